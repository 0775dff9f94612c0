package main

import (
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/wait"
)

func TestTheTimeOfAProcessIsReadBehindItsName(t *testing.T) {
	const line = "4711 (a name) 1 (x) S 1 4711 4711 0 -1 4194560 1093 0 0 0 250 31 7 9 20 0 1 0 89 0 0\n"
	if took, err := parseProcessorTime(line); err != nil || took != 2810*time.Millisecond {
		t.Errorf("parseProcessorTime: %v, %v; want 2.81s", took, err)
	}
	for _, line := range []string{"", "4711 (short) S 1", "4711 (x) S 1 4711 4711 0 -1 4194560 1093 0 0 0 many 31 7 9"} {
		if took, err := parseProcessorTime(line); err == nil {
			t.Errorf("parseProcessorTime(%q): %v, want an error", line, took)
		}
	}
}

func TestTheTimeOfAProcessHasThatOfTheOnesItStarted(t *testing.T) {
	l, err := startLeashed(leashKill, nil, nil, "sh", "-c", "while :; do :; done")
	if err != nil {
		t.Fatal(err)
	}
	defer l.stop()
	if runtime.GOOS != "linux" {
		if _, err := processorTime(l.shell.Process.Pid); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("processorTime: %v, want ErrUnsupported", err)
		}
		return
	}
	wait.Until(t, func() bool {
		took, err := processorTime(l.shell.Process.Pid)
		return err == nil && took >= 3*processorTick
	})
	if _, err := processorTime(os.Getpid()); err != nil {
		t.Errorf("of this process: %v", err)
	}
}
