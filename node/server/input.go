package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt/bom"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// drainFor is how long a client that was told of an error may go on sending before its connection is
// closed: closing it at once could take the answer away from under it.
const drainFor = 10 * time.Second

// input is a stream of lines in, each an item to store, and their places out.
type input[T any] struct {
	// parse reads and checks line n; what it returns shares no memory with it.
	parse func(line []byte, n int) (T, error)
	// memory returns about how many bytes of memory an item takes, which may be several times its line.
	memory func(T) int
	// store makes items durable, all of them or none, and returns where each is.
	store func(ctx context.Context, items []T) ([]eventlog.Appended, error)
	// first is the number of the first line.
	first int
}

// numbered is an item and the line that it came in.
type numbered[T any] struct {
	item T
	line int
}

// serve reads lines and answers with places until the input ends or a line is bad.
func (in input[T]) serve(s *server, w http.ResponseWriter, r *http.Request) {
	mayPause(w, r)
	out := s.newLines(w, r)
	wait, err := s.parseWait(r)
	if err != nil {
		out.end(err)
		return
	}
	if err := out.rc.EnableFullDuplex(); err != nil {
		out.end(fmt.Errorf("answer while reading: %w", err))
		return
	}
	if err := out.begin(); err != nil {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	queue := newWaiting[numbered[T]]()
	var reading sync.WaitGroup
	reading.Go(func() { queue.end(in.read(ctx, r.Body, queue)) })

	acks := s.newAcks(r.Context(), out, wait, cancel)
	err = acks.end(r.Context(), in.storeAll(ctx, s, queue, acks))
	cancel()
	if left, ok := errors.AsType[*leftError](err); ok {
		s.logger.Debug("client left", "err", left.error)
		_ = out.rc.SetReadDeadline(time.Now()) // a read that waits returns
		reading.Wait()
		return
	}
	out.end(err)
	if err != nil {
		_ = out.rc.SetReadDeadline(time.Now().Add(drainFor))
		reading.Wait() // the reader has left, or is about to
		if _, cut := io.Copy(io.Discard, r.Body); cut == nil {
			// Behind the body the server reads on, to learn whether the client leaves. A deadline that
			// passes is that to it, and ends whatever comes next on the connection.
			_ = out.rc.SetReadDeadline(time.Time{})
		}
	}
	reading.Wait() // it has met the end of the body
}

// leftError says that the client does not take the answer.
type leftError struct{ error }

// storeAll stores what waits, batch by batch, and gives acks the places of each.
func (in input[T]) storeAll(ctx context.Context, s *server, queue *waiting[numbered[T]], acks *acks) error {
	for {
		batch, err := queue.take(ctx)
		if err != nil || len(batch) == 0 {
			return err
		}
		leave, err := s.writing(ctx, acks.wait.Recovered)
		if err != nil {
			return err
		}
		places, err := in.storeBatch(ctx, batch)
		leave()
		if told := acks.put(ctx, places); told != nil {
			return told
		}
		if err != nil {
			return err
		}
	}
}

// storeBatch stores a batch. When the log refuses one of several items, the others before it are
// stored alone, and the error names the line. The places returned are durable, error or not.
func (in input[T]) storeBatch(ctx context.Context, batch []numbered[T]) ([]eventlog.Appended, error) {
	items := make([]T, len(batch))
	for i, n := range batch {
		items[i] = n.item
	}
	places, err := in.store(ctx, items)
	if err == nil {
		return places, nil
	}
	told := *problem(err)
	switch {
	case len(batch) == 1:
		told.Line = batch[0].line
		return nil, &told
	case told.Code != api.Invalid && told.Code != api.Reserved && told.Code != api.Refused && told.Code != api.IDReused:
		return nil, &told
	}
	var done []eventlog.Appended
	for i := range batch {
		places, err := in.storeBatch(ctx, batch[i:i+1])
		if err != nil {
			return done, err
		}
		done = append(done, places...)
	}
	return done, nil
}

// read parses lines into the queue until the input ends, a line is bad, or ctx ends.
func (in input[T]) read(ctx context.Context, r io.Reader, queue *waiting[numbered[T]]) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	var buf []byte
	for number := in.first; ; number++ {
		line, err := readLine(lines, &buf)
		if err != nil && !errors.Is(err, io.EOF) {
			if told, ok := errors.AsType[*api.Error](err); ok {
				told.Line = number
			}
			return err
		}
		item, empty, wrong := in.item(line, number)
		if wrong != nil {
			told := *problem(wrong)
			told.Line = number
			return &told
		}
		if !empty {
			if err := queue.put(ctx, numbered[T]{item, number}, in.memory(item)); err != nil {
				return err
			}
		}
		if err != nil {
			return nil // the end of the input
		}
	}
}

// item parses one line, unless it is empty. A file may begin with a byte order mark, and so may each line
// of several files that were put together.
func (in input[T]) item(line []byte, number int) (item T, empty bool, err error) {
	line, err = bom.Strip(line)
	if err != nil {
		return item, false, invalid(err)
	}
	switch text := bytes.TrimSpace(line); {
	case len(text) == 0:
		return item, true, nil
	case text[0] == '[':
		return item, false, invalid(errors.New(`expected one JSON object on each line, got a list ("jq -c .[]" makes lines of it)`))
	case len(text) == 1 && text[0] == '{':
		return item, false, invalid(errors.New(`expected one JSON object on each line, got one on several lines ("jq -c ." makes lines of them)`))
	}
	item, err = in.parse(line, number)
	return item, false, err
}

// readLine returns the next line without its end, valid until the next call. The last line of the input
// may come with [io.EOF]. buf is memory for long lines.
func readLine(r *bufio.Reader, buf *[]byte) ([]byte, error) {
	*buf = (*buf)[:0]
	for {
		part, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) || len(*buf) > 0 {
			*buf = append(*buf, part...)
			part = *buf
		}
		if len(part) > api.MaxLine+1 {
			return nil, &api.Error{Code: api.TooLarge, Message: fmt.Sprintf("longer than %d bytes, which no entry needs", api.MaxLine)}
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimSuffix(part, []byte("\n")), err
		}
	}
}
