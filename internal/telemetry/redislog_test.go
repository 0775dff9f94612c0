package telemetry_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/internal/telemetry"
)

func TestRedisLogger(t *testing.T) {
	t.Run("writes warnings", func(t *testing.T) {
		var out bytes.Buffer
		l := telemetry.RedisLogger(telemetry.NewLogger(&out, slog.LevelInfo, "text"))
		l.Printf(t.Context(), "pool: failed to dial after %d attempts: %v", 5, "refused")
		if want := `level=WARN msg="redis client" detail="pool: failed to dial after 5 attempts: refused"`; !strings.Contains(out.String(), want) {
			t.Errorf("got %s, want %s", &out, want)
		}
	})
	t.Run("never writes a password", func(t *testing.T) {
		var out bytes.Buffer
		l := telemetry.RedisLogger(telemetry.NewLogger(&out, slog.LevelInfo, "text"))
		l.Printf(t.Context(), "dial %s failed", "redis://:hunter2@db:6379")
		if got := out.String(); strings.Contains(got, "hunter2") || !strings.Contains(got, "withheld") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("writes one message of a kind in 10 s and says how many were left out", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			l := telemetry.RedisLogger(telemetry.NewLogger(&out, slog.LevelInfo, "text"))
			for i := range 100 {
				l.Printf(t.Context(), "dial %d", i)
			}
			l.Printf(t.Context(), "another kind")
			<-time.After(10 * time.Second)
			l.Printf(t.Context(), "dial %d", 100)
			<-time.After(10 * time.Second)
			l.Printf(t.Context(), "dial %d", 101)
			var got []string
			for line := range strings.Lines(out.String()) {
				_, after, _ := strings.Cut(strings.TrimSpace(line), "detail=")
				got = append(got, after)
			}
			want := []string{`"dial 0"`, `"another kind"`, `"dial 100" left_out=99`, `"dial 101"`}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	})
	t.Run("remembers a bounded number of kinds", func(t *testing.T) {
		var out bytes.Buffer
		l := telemetry.RedisLogger(telemetry.NewLogger(&out, slog.LevelInfo, "text"))
		for i := range 3000 {
			l.Printf(t.Context(), strings.Repeat("%d", i+1), i)
		}
		if n := strings.Count(out.String(), "\n"); n != 1000 {
			t.Errorf("%d lines, want 1,000", n)
		}
	})
	t.Run("is what go-redis takes", func(t *testing.T) {
		var out bytes.Buffer
		redis.SetLogger(telemetry.RedisLogger(telemetry.NewLogger(&out, slog.LevelInfo, "text")))
		defer redis.SetLogger(discard{})
		client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
		if err := client.Ping(t.Context()).Err(); err == nil {
			t.Fatal("there is a Redis on port 1")
		}
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), `msg="redis client" detail="redis: connection pool: failed to dial`) {
			t.Errorf("got %s", &out)
		}
	})
}

type discard struct{}

func (discard) Printf(context.Context, string, ...any) {}
