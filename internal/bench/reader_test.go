package main

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestAReaderTellsOfEachLapByItself(t *testing.T) {
	url := redistest.Start(t).URL() // whose GETs are all the reader's
	client := redistest.Client(t, url)
	const prefix = "bench-test-reader:"
	if err := client.Set(t.Context(), prefix+entryKey(0), "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	r, err := startReader(t.Context(), assignment{URL: url, Prefix: prefix, Keys: 1, Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	before := gets(t, client)
	wait.Until(t, func() bool { return gets(t, client) > before+5_000 })
	long, err := r.lap()
	if err != nil || long.Calls < 4_000 || long.Median <= 0 || long.P99 < long.Median {
		t.Errorf("a long lap: %+v, %v", long, err)
	}
	if short, err := r.lap(); err != nil || short.Calls < 1 || short.Calls > long.Calls {
		t.Errorf("a short lap: %+v, %v, after a long one: %+v", short, err, long)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestAReaderThatCannotReadSaysSo(t *testing.T) {
	in, parent := io.Pipe()
	t.Cleanup(func() { _ = parent.Close() })
	done := make(chan error, 1)
	url := redistest.URL(t)
	go func() { done <- read(t.Context(), in, io.Discard) }()
	if err := json.NewEncoder(parent).Encode(assignment{URL: url, Prefix: "bench-test-absent:", Keys: 1, Readers: 1}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, redis.Nil) {
		t.Errorf("reading what is not there gave the error %v", err)
	}
}

// gets is how many GETs the server has served.
func gets(t *testing.T, client *redis.Client) int {
	t.Helper()
	info, err := client.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, calls, _ := strings.Cut(field(info, "cmdstat_get"), "calls=")
	calls, _, _ = strings.Cut(calls, ",")
	n, _ := strconv.Atoi(calls) // none before the first
	return n
}
