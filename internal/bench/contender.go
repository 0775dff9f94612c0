package main

import (
	"context"
	"fmt"
)

// A contender is one way of doing the work. Its do may be called by many goroutines at once, each with a number of its own, and with
// how many calls that goroutine has made.
type contender struct {
	name string
	do   func(ctx context.Context, goroutine, call int) error
}

func (c contender) call(ctx context.Context, goroutine, call int) error {
	if err := c.do(ctx, goroutine, call); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return nil
}
