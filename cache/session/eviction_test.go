package session_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/session"
)

func TestAFullStoreDropsASessionBeforeTheIndexThatListsIt(t *testing.T) {
	store, err := memstore.New(&memstore.Options{MaxEntries: 3})
	if err != nil {
		t.Fatal(err)
	}
	s := serveOver(t, store, &session.Options{IdleTimeout: time.Hour, Lifetime: time.Hour}, nil) // both expire at once
	alice := s.browser()
	alice.get("/login?user=alice")
	for n := range 2 { // there is room for one
		if err := s.cache.Set(context.Background(), "x"+strconv.Itoa(n), nil, 2*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	alice.want(":")
}
