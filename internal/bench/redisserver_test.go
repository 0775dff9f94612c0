package main

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestTheProgramsOwnServerGoesWithItsFiles(t *testing.T) {
	s := ownServer(t)
	if err := s.stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if listens(s) {
		t.Error("the server still listens")
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("its directory: %v, want it gone", err)
	}
}

// When this process is killed nothing runs but the end of its pipes.
func TestTheProgramsOwnServerDoesNotOutliveIt(t *testing.T) {
	s := ownServer(t)
	if err := s.proc.leash.Close(); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, func() bool { return !listens(s) })
}

func TestASharedServerIsLeftAsItWas(t *testing.T) {
	url := redistest.Start(t).URL()
	t.Setenv(urlVariable, url)
	client := redistest.Client(t, url)
	if err := client.Set(t.Context(), "bench-clear:item:0", "somebody's", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s, err := startRedis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.populate(t.Context(), s.prefix("clear"), 2_500, []byte("x"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if n, err := client.DBSize(t.Context()).Result(); err != nil || n != 2_501 {
		t.Fatalf("%d keys while it is in use (%v), want 2501", n, err)
	}
	if err := s.stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := client.DBSize(t.Context()).Result(); err != nil || n != 1 {
		t.Errorf("%d keys afterwards (%v), want the one that was there before", n, err)
	}
}

// ownServer is a server that the program started, though the tests' Redis may be another.
func ownServer(t *testing.T) *redisServer {
	t.Helper()
	t.Setenv(urlVariable, "")
	s, err := startRedis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.stop(t.Context()) }) // a second time, as a rule
	return s
}

func listens(s *redisServer) bool {
	conn, err := net.Dial("tcp", s.options.Addr)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}
