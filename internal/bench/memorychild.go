package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// memoryCommand is the argument that makes this program a contender of a memory comparison in another run of it.
const memoryCommand = "contender"

// contend is the contender's side: it does the task of the first line of in, and for each further line writes what came of it to out.
func contend(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var task memoryTask
	if err := json.Unmarshal(first, &task); err != nil {
		return err
	}
	answer, err := task.begin()
	if err != nil {
		return err
	}
	answers := json.NewEncoder(out)
	for {
		_, err := lines.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var value any
		if err == nil {
			value, err = answer()
		}
		if err == nil {
			err = answers.Encode(value)
		}
		if err != nil {
			return err
		}
	}
}

// begin prepares the task and returns what does it, again and again.
func (t memoryTask) begin() (answer func() (any, error), err error) {
	switch t.Work {
	case workHeap:
		return func() (any, error) { return measureHeap(t) }, nil
	case workExpiry:
		return func() (any, error) { return measureExpiry(t) }, nil
	case workCollector:
		return prepareCollector(t)
	case workFootprint:
		return func() (any, error) { return measureFootprint(t) }, nil
	}
	l, err := findMemoryLibrary(t.Store)
	if err != nil {
		return nil, err
	}
	r, err := newMemoryRun(l, t)
	if err != nil {
		return nil, err
	}
	return func() (any, error) { return r.turn(), nil }, nil
}

// askOnce has a process of its own do the task once.
func askOnce(ctx context.Context, t memoryTask, answer any) error {
	c, err := startChild(ctx, t.Store, memoryCommand, t)
	if err != nil {
		return err
	}
	err = c.ask(answer)
	if ended := c.stop(); err == nil {
		err = ended
	}
	if err != nil {
		return fmt.Errorf("%s: %w", t.Work, err)
	}
	return nil
}
