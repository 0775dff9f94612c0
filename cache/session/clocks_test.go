package session_test

import (
	"context"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"
)

// setAhead moves the times of the only session on by d, as a process with another clock would have written them.
func setAhead(t *testing.T, s *service, d time.Duration) {
	t.Helper()
	for key, err := range s.cache.Keys(context.Background(), "s.") {
		if err != nil {
			t.Fatal(err)
		}
		raw, _, err := s.cache.Get(context.Background(), key)
		if err != nil {
			t.Fatal(err)
		}
		for at := 6; at < 30; at += 8 {
			n := binary.BigEndian.Uint64(raw[at:])
			binary.BigEndian.PutUint64(raw[at:], n+uint64(d))
		}
		if err := s.cache.Set(context.Background(), key, raw, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

func TestASessionFromAProcessWhoseClockIsAheadCanBeRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, nil)
		b := s.browser()
		b.get("/login?user=alice")
		setAhead(t, s, 2*time.Second)
		b.want("alice:")
		b.get("/renew")
		b.want("alice:")
	})
}
