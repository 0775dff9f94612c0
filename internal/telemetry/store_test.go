package telemetry_test

import (
	"context"
	"errors"
	"time"
)

// failing is a store on which everything fails.
type failing struct{}

func (*failing) Get(context.Context, string) ([]byte, bool, error)        { return nil, false, errDown() }
func (*failing) Set(context.Context, string, []byte, time.Duration) error { return errDown() }
func (*failing) Delete(context.Context, string) error                     { return errDown() }
func (*failing) Exists(context.Context, string) (bool, error)             { return false, errDown() }
func (*failing) Add(context.Context, string, []byte, time.Duration) (bool, error) {
	return false, errDown()
}
func (*failing) Clear(context.Context, string) error { return errDown() }
func (*failing) Ping(context.Context) error          { return errDown() }
func (*failing) Close() error                        { return nil }

func errDown() error { return errors.New("down") }
