package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/lifecycle"
)

func Example() {
	l := lifecycle.New(&lifecycle.Options{DrainDelay: 10 * time.Millisecond})
	for _, name := range []string{"store", "worker", "listener"} {
		err := l.Add(lifecycle.Hook{
			Name:    name,
			Start:   func(context.Context) error { fmt.Println("start", name); return nil },
			Stop:    func(context.Context) error { fmt.Println("stop", name); return nil },
			Timeout: time.Second,
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	ctx := context.Background()
	if err := l.Start(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(l.State(), "and stopped in at most", l.Budget())
	if err := l.Stop(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(l.State())
	// Output:
	// start store
	// start worker
	// start listener
	// ready and stopped in at most 3.01s
	// stop listener
	// stop worker
	// stop store
	// stopped
}

// What had started is stopped, and the error says all that went wrong.
func ExampleLifecycle_Start_failing() {
	l := lifecycle.New(nil)
	hooks := []lifecycle.Hook{
		{Name: "store", Stop: func(context.Context) error { return errors.New("disk full") }},
		{Name: "listener", Start: func(context.Context) error { return errors.New("port 8000 is in use") }},
	}
	for _, h := range hooks {
		if err := l.Add(h); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(l.Start(context.Background()))
	fmt.Println(l.State())
	// Output:
	// start "listener": port 8000 is in use
	// stop "store": disk full
	// stopped
}

// A second signal, say, need not wait for the drain delay.
func ExampleLifecycle_Kill() {
	l := lifecycle.New(&lifecycle.Options{DrainDelay: time.Hour})
	if err := l.Start(context.Background()); err != nil {
		fmt.Println(err)
	}
	l.Kill()
	fmt.Println(l.Stop(context.Background()))
	// Output: <nil>
}
