package health_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/larder-go/larder/internal/health"
)

// A state alone decides until checks are added.
func Example() {
	state := errors.New("starting")
	h := health.New(health.Options{State: func() error { return state }})

	probe := func(handler http.Handler) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		fmt.Print(w.Code, " ", w.Body)
	}
	probe(h.Live())
	probe(h.Ready())
	state = nil
	probe(h.Ready())
	// Output:
	// 200 {"status":"live"}
	// 503 {"status":"not ready","detail":"not ready: starting"}
	// 200 {"status":"ready"}
}

// A check runs in the background; a probe only reads its last result.
func ExampleHealth_Add() {
	h := health.New(health.Options{Details: true, Interval: time.Millisecond})
	runs := make(chan struct{})
	err := h.Add(health.Check{Name: "queue", Degrade: true, Run: func(ctx context.Context) error {
		select {
		case runs <- struct{}{}:
		case <-ctx.Done():
		}
		return errors.New("connection refused")
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := h.Start(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	<-runs
	<-runs // the first has ended: there is one run at a time
	if err := h.Stop(context.Background()); err != nil {
		fmt.Println(err)
		return
	}

	w := httptest.NewRecorder()
	h.Ready().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ready", nil))
	fmt.Println(w.Code, w.Header().Get("Queue"))
	fmt.Print(w.Body)
	// Output:
	// 200 degraded
	// {"status":"degraded","checks":{"queue":"failed: connection refused"}}
}

func ExampleSafe() {
	fmt.Println(health.Safe("dial tcp 10.0.0.7:6379: connection refused"))
	fmt.Println(health.Safe("dial redis://:hunter2@10.0.0.7: connection refused"))
	// Output:
	// dial tcp 10.0.0.7:6379: connection refused
	// withheld, it may contain credentials
}
