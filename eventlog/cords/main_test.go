package cords_test

import (
	"testing"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

func TestMain(m *testing.M) { eventlogtest.Main(m, 20) }
