package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// processorTick is what Linux counts the time of a process in, on all that Go runs on.
const processorTick = 10 * time.Millisecond

// processorTime is how long the process and those that it has started have run so far. Where the system does not tell, as all but Linux do not, the error
// matches errors.ErrUnsupported.
func processorTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("processor time: %w: %w", errors.ErrUnsupported, err)
	}
	total, err := parseProcessorTime(string(text))
	if err != nil {
		return 0, err
	}
	// All that are measured start others from their first thread.
	started, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, fmt.Errorf("processor time: %w: %w", errors.ErrUnsupported, err)
	}
	for _, name := range strings.Fields(string(started)) {
		child, err := strconv.Atoi(name)
		if err != nil {
			return 0, fmt.Errorf("processor time: %w", err)
		}
		took, err := processorTime(child)
		if err != nil {
			return 0, err
		}
		total += took
	}
	return total, nil
}

// parseProcessorTime adds what a line of /proc/PID/stat says of the process itself: its own time, and the system's on its behalf.
func parseProcessorTime(line string) (time.Duration, error) {
	// The second field is the program's name in parentheses, which may hold anything.
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	const user, system = 11, 12 // the 14th and 15th of the line
	if len(fields) <= system {
		return 0, fmt.Errorf("processor time: %d fields after the name in %q", len(fields), line)
	}
	var ticks int64
	for _, text := range fields[user : system+1] {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("processor time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * processorTick, nil
}
