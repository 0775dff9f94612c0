package session_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/filestore"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
)

// patience is how long a store may take on a machine that is busy.
const patience = time.Minute

// stores are all on which sessions may be kept.
func stores() map[string]func(t *testing.T) full {
	return map[string]func(t *testing.T) full{
		"memory": func(t *testing.T) full {
			s, err := memstore.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		"file": func(t *testing.T) full {
			s, err := filestore.Open(t.TempDir(), &filestore.Options{Timeout: patience})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		"cluster": func(t *testing.T) full {
			s, err := redisstore.Open(context.Background(), redistest.StartCluster(t, 3).URL(), &redisstore.Options{Timeout: patience})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		"redis": func(t *testing.T) full {
			s, err := redisstore.Open(context.Background(), redistest.Start(t).URL(), &redisstore.Options{Timeout: patience})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	}
}

func TestSessionsAreTheSameOnEveryStore(t *testing.T) {
	for name, store := range stores() {
		t.Run(name, func(t *testing.T) {
			s := serveOver(t, store(t), nil, nil)
			alice, other, bob := s.browser(), s.browser(), s.browser()
			alice.get("/add?item=a")
			alice.want(":a")
			alice.get("/login?user=alice")
			alice.get("/add?item=b")
			other.get("/login?user=alice")
			bob.get("/login?user=bob")
			bob.get("/renew")
			alice.want("alice:a,b")
			s.wantUsers("alice", "alice", "bob")
			if a := alice.meanwhile("/add?item=c", "/add?item=d"); a.StatusCode != http.StatusOK {
				t.Error(a.Status)
			}
			alice.want("alice:a,b,c,d")
			if a := alice.meanwhile("/logout", "/add?item=e"); a.StatusCode != http.StatusConflict {
				t.Error(a.Status)
			}
			alice.want(":")
			s.wantUsers("alice", "bob")
			if err := s.sessions.LogOutEverywhere(context.Background(), "alice"); err != nil {
				t.Error(err)
			}
			other.want(":")
			bob.want("bob:")
			for _, info := range s.infos() {
				if found, err := s.sessions.Delete(context.Background(), info.ID); !found || err != nil {
					t.Errorf("%v, %v", found, err)
				}
			}
			bob.want(":")
			bob.get("/login?user=bob")
			if err := s.sessions.Clear(context.Background()); err != nil {
				t.Error(err)
			}
			bob.want(":")
			s.wantUsers()
		})
	}
}
