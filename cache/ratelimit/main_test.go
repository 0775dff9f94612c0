package ratelimit_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/ratelimit"
	"github.com/larder-go/larder/cache/redisstore"
)

// floodURL is the variable that makes this program a process of TestProcessesCountTogether: the Redis to count in.
const floodURL = "APP_TEST_FLOOD_URL"

func TestMain(m *testing.M) {
	if url := os.Getenv(floodURL); url != "" {
		passed, err := flood(url)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Print(passed)
		return
	}
	goleak.VerifyTestMain(m)
}

// What a process of the flood does, and what all of them together may.
const (
	floodProcesses = 4
	floodRequests  = 25_000
	floodLimit     = 1_000
	floodPeriod    = 24 * time.Hour
)

// flood makes requests as fast as it can, by sixteen goroutines, and returns how many were let through.
func flood(url string) (passed int64, err error) {
	store, err := redisstore.Open(context.Background(), url, &redisstore.Options{Timeout: patience})
	if err != nil {
		return 0, err
	}
	c, err := cache.New(store, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	var failed atomic.Pointer[error]
	l, err := ratelimit.New(c, &ratelimit.Options{
		Limits:     []cache.Limit{{Requests: floodLimit, Period: floodPeriod}},
		FailClosed: true,
		OnDecision: func(e ratelimit.Event) {
			if e.Err != nil {
				failed.Store(&e.Err)
			}
		},
	})
	if err != nil {
		return 0, err
	}
	if err := meet(c); err != nil {
		return 0, err
	}
	var through atomic.Int64
	h := l.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { through.Add(1) }))
	var crowd sync.WaitGroup
	const goroutines = 16
	for i := range goroutines {
		crowd.Go(func() {
			for range (floodRequests + i) / goroutines {
				r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody)
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
	crowd.Wait()
	if e := failed.Load(); e != nil {
		return 0, *e
	}
	return through.Load(), nil
}

// meet waits for the other processes, so that none comes when all that is allowed has gone.
func meet(c *cache.Cache) error {
	if _, err := c.Increment(context.Background(), "here", 1, time.Hour); err != nil {
		return err
	}
	for {
		here, _, err := c.Get(context.Background(), "here")
		if err != nil || string(here) == fmt.Sprint(floodProcesses) {
			return err
		}
	}
}
