package node_test

import (
	"testing"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

func TestMain(m *testing.M) {
	eventlogtest.Memory()
	m.Run()
}
