package scalemodel

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// panel is one diagram of the chart. Both axes are logarithmic.
type panel struct {
	title     string
	left      float64 // of the plot, in pixels
	least     float64 // of the upright axis
	most      float64
	marks     []float64
	mark      func(float64) string
	curves    []curve
	labelsTop float64 // the least distance between two labels, in pixels
}

// curve is a line with its name at its right end.
type curve struct {
	name, colour string
	value        func(Result) float64
}

// The place of the plots, in pixels.
const (
	chartWidth, chartHeight = 1080, 420
	plotTop, plotHeight     = 70, 280
	plotWidth               = 310
	fewestNodes, mostNodes  = 10, 10_000
)

// draw returns the chart as SVG: dark on light, with a background of its own.
func draw(results []Result) string {
	panels := []panel{
		{
			title: "Time from durable to …", left: 60, least: 0.005, most: 10, marks: []float64{0.01, 0.1, 1, 10}, labelsTop: 16,
			mark: func(v float64) string { return span(time.Duration(v * float64(time.Second))) },
			curves: []curve{
				{"a node, median", "#0072b2", func(r Result) float64 { return r.Reach.Median.Seconds() }},
				{"the last node", "#d55e00", func(r Result) float64 { return r.Reach.Last.Seconds() }},
				{"the last, after deaths", "#8a2be2", func(r Result) float64 { return r.Death.Reach.Last.Seconds() }},
				{"a death noticed by all", "#555555", func(r Result) float64 { return r.Death.NoticedAll.Seconds() }},
			},
		},
		{
			title: "Bytes that a node sends in a second", left: 620, least: 300, most: 200_000, marks: []float64{1e3, 1e4, 1e5}, labelsTop: 16,
			mark: size,
			curves: []curve{
				{"writing: all", "#d55e00", func(r Result) float64 { return r.Busy.Sum() }},
				{"writing: the ops", "#0072b2", func(r Result) float64 { return r.Busy.Payload }},
				{"at rest: all", "#8a2be2", func(r Result) float64 { return r.Idle.Sum() }},
				{"at rest: comparisons", "#555555", func(r Result) float64 { return r.Idle.Compare }},
			},
		},
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13" fill="#222">`+"\n", chartWidth, chartHeight)
	fmt.Fprintf(&b, `<title>How long ops take and what they cost, in clusters of 10 to 10,000 nodes</title>`+"\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="#fbfbf8"/>`+"\n", chartWidth, chartHeight)
	for _, p := range panels {
		p.draw(&b, results)
	}
	fmt.Fprintln(&b, `</svg>`)
	return b.String()
}

func (p panel) draw(b *strings.Builder, results []Result) {
	fmt.Fprintf(b, `<text x="%.0f" y="40" font-size="16" font-weight="600">%s</text>`+"\n", p.left, p.title)
	for _, v := range p.marks {
		y := p.y(v)
		fmt.Fprintf(b, `<path d="M%.0f %.1fh%d" stroke="#ddd"/><text x="%.0f" y="%.1f" text-anchor="end" fill="#555">%s</text>`+"\n", p.left, y, plotWidth, p.left-8, y+4, p.mark(v))
	}
	for n := fewestNodes; n <= mostNodes; n *= 10 {
		x := p.x(float64(n))
		fmt.Fprintf(b, `<path d="M%.1f %dv5" stroke="#888"/><text x="%.1f" y="%d" text-anchor="middle" fill="#555">%s</text>`+"\n", x, plotTop+plotHeight, x, plotTop+plotHeight+20, thousands(n))
	}
	fmt.Fprintf(b, `<path d="M%.0f %dv%dh%d" fill="none" stroke="#888"/>`+"\n", p.left, plotTop, plotHeight, plotWidth)
	fmt.Fprintf(b, `<text x="%.0f" y="%d" text-anchor="middle" fill="#555">nodes</text>`+"\n", p.left+plotWidth/2, plotTop+plotHeight+42)
	labels := p.labels(results)
	for i, c := range p.curves {
		var points []string
		for _, r := range results {
			points = append(points, fmt.Sprintf("%.1f,%.1f", p.x(float64(r.Config.Nodes)), p.y(c.value(r))))
		}
		fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`, strings.Join(points, " "), c.colour)
		for _, at := range points {
			x, y, _ := strings.Cut(at, ",")
			fmt.Fprintf(b, `<circle cx="%s" cy="%s" r="3" fill="%s"/>`, x, y, c.colour)
		}
		fmt.Fprintf(b, `<text x="%.0f" y="%.1f" fill="%s">%s</text>`+"\n", p.left+plotWidth+8, labels[i]+4, c.colour, c.name)
	}
}

// labels returns how far down the names of the curves stand: at their ends, but never on each other.
func (p panel) labels(results []Result) []float64 {
	order := make([]int, len(p.curves))
	down := make([]float64, len(p.curves))
	for i, c := range p.curves {
		order[i], down[i] = i, p.y(c.value(results[len(results)-1]))
	}
	slices.SortFunc(order, func(i, j int) int { return int(math.Copysign(1, down[i]-down[j])) })
	for k := 1; k < len(order); k++ {
		down[order[k]] = max(down[order[k]], down[order[k-1]]+p.labelsTop)
	}
	return down
}

func (p panel) x(nodes float64) float64 {
	return p.left + plotWidth*math.Log(nodes/fewestNodes)/math.Log(mostNodes/fewestNodes)
}

func (p panel) y(v float64) float64 {
	return plotTop + plotHeight*(1-math.Log(v/p.least)/math.Log(p.most/p.least))
}

// thousands writes a whole number with a comma before the last three digits.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
