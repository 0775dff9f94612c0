package ratelimit_test

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/ratelimit"
	"github.com/larder-go/larder/internal/redistest"
)

// TestProcessesCountTogether has four processes make 100,000 requests of one client, of which a thousand a day are allowed. A day has 86.4 s for each: what comes back while they
// run may pass too.
func TestProcessesCountTogether(t *testing.T) {
	url := redistest.Start(t).URL()
	began := time.Now()
	var children [floodProcesses]*exec.Cmd
	var said [floodProcesses]bytes.Buffer
	for i := range children {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), floodURL+"="+url)
		c.Stdout, c.Stderr = &said[i], &said[i]
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children[i] = c
	}
	passed := int64(0)
	for i, c := range children {
		if err := c.Wait(); err != nil {
			t.Fatalf("%v: %s", err, said[i].String())
		}
		n, err := strconv.ParseInt(said[i].String(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			t.Errorf("process %d came too late to have been let through at all", i)
		}
		passed += n
	}
	if most := floodLimit + int64(time.Since(began)*floodLimit/floodPeriod); passed < floodLimit || passed > most {
		t.Errorf("of %d requests %d passed, want %d, and no more than %d", floodProcesses*floodRequests, passed, floodLimit, most)
	}
}

// TestAServerThatForgetsTheScriptTakesOnce empties its cache of scripts, as a restart or a failover does.
func TestAServerThatForgetsTheScriptTakesOnce(t *testing.T) {
	server := redistest.Start(t)
	s := limitOver(t, redisAt(t, server.URL(), patience), ratelimit.Options{Limits: []cache.Limit{{Requests: 7, Period: 24 * time.Hour}}})
	client := redistest.Client(t, server.URL())
	passed := s.pass(2, peer)
	for range 2 {
		if err := client.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		passed += s.pass(2, peer)
	}
	if passed != 6 {
		t.Errorf("%d of 6 passed", passed)
	}
	if n := s.pass(5, peer); n != 1 {
		t.Errorf("then %d of 5 passed, want the last one", n)
	}
	for _, e := range s.events {
		if e.Err != nil {
			t.Error(e.Err)
		}
	}
}

// TestAKeyOfAnotherTypeIsAStoreThatFails also for who is known to have taken something.
func TestAKeyOfAnotherTypeIsAStoreThatFails(t *testing.T) {
	server := redistest.Start(t)
	s := limitOver(t, redisAt(t, server.URL(), patience), ratelimit.Options{Limits: []cache.Limit{{Requests: 3, Period: 24 * time.Hour}}})
	s.pass(1, peer)
	client := redistest.Client(t, server.URL())
	keys, err := client.Keys(t.Context(), "*192.0.2.1").Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("the keys are %q, %v", keys, err)
	}
	if err := client.Del(t.Context(), keys[0]).Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.RPush(t.Context(), keys[0], "x").Err(); err != nil {
		t.Fatal(err)
	}
	if n := s.pass(10, peer); n != 3 {
		t.Errorf("%d of 10 passed, want the 3 of this process", n)
	}
	if e := s.events[len(s.events)-1]; e.By != ratelimit.InProcess || e.Err == nil {
		t.Errorf("the decision is %+v", e)
	}
}
