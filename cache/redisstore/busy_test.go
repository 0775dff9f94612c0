package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
)

func TestClearKeepsNoConnectionFromOthers(t *testing.T) {
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true, PoolSize: 1})
	t.Cleanup(func() { _ = client.Close() })
	s, err := redisstore.New(client, &redisstore.Options{Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	_, items := numbered(5000)
	if err := s.SetMany(t.Context(), items, time.Hour); err != nil {
		t.Fatal(err)
	}
	held := client.Conn() // the only one
	defer held.Close()
	if err := held.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Clear(t.Context(), ""); err != nil {
		t.Fatalf("Clear while the client's only connection is held: %v", err)
	}
	if n := held.DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

func TestWhatABatchHasToMakeUpForIsOneRoundTrip(t *testing.T) {
	s, counter := counted(t, redistest.Start(t).URL())
	keys, _ := numbered(1500)
	ctx := &endsAfter{Context: t.Context(), trips: counter, from: counter.n.Load()}
	if err := s.DeleteMany(ctx, keys); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	before := counter.n.Load()
	if _, err := s.GetMany(t.Context(), keys[1000:]); err != nil { // those that it did not reach
		t.Fatal(err)
	}
	if n := counter.n.Load() - before; n != 2 {
		t.Errorf("GetMany of 500 keys whose deletion had failed took %d round trips; want one to delete and one to read", n)
	}
	if st, _ := s.Stats(t.Context()); st.Pending != 0 {
		t.Errorf("%d are remembered still", st.Pending)
	}
}

func TestAValueTooLargeIsToldAfterTheContextAndClose(t *testing.T) {
	s := open(t, redistest.URL(t), nil)
	large := make([]byte, cache.MaxValueLen+1)
	calls := map[string]func(ctx context.Context) error{
		"Set": func(ctx context.Context) error { return s.Set(ctx, "key", large, time.Hour) },
		"Add": func(ctx context.Context) error { _, err := s.Add(ctx, "key", large, time.Hour); return err },
		"CompareAndSwap": func(ctx context.Context) error {
			_, err := s.CompareAndSwap(ctx, "key", nil, large, time.Hour)
			return err
		},
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range calls {
		if err := call(t.Context()); !errors.Is(err, cache.ErrTooLarge) {
			t.Errorf("%s: %v; want ErrTooLarge", name, err)
		}
		if err := call(cancelled); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v", name, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, call := range calls {
		if err := call(t.Context()); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}

func TestAnErrorDoesNotRepeatTheServersWordsForTheKey(t *testing.T) {
	server := redistest.Start(t, "--rename-command", "UNLINK", "X")
	s := open(t, server.URL(), nil)
	err := s.Delete(t.Context(), "secret")
	if !errors.Is(err, cache.ErrUnavailable) || strings.Count(err.Error(), "secret") != 1 {
		t.Errorf("Delete: %v; want ErrUnavailable, and the key once", err)
	}
}

func TestBelowAClearWithoutPermissionTheMistakeIsNamed(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	if err := other.Do(t.Context(), "acl", "setuser", "poor", "on", "nopass", "~*", "+@all", "-scan").Err(); err != nil {
		t.Fatal(err)
	}
	s := open(t, "redis://poor:any@"+server.Addr(), &redisstore.Options{Timeout: patience})
	if err := s.Clear(t.Context(), ""); !errors.Is(err, redisstore.ErrPermission) {
		t.Fatalf("Clear: %v; want ErrPermission", err)
	}
	for range 3 { // whether it has been repeated or not
		if _, err := s.Add(t.Context(), "key", nil, time.Hour); !errors.Is(err, redisstore.ErrPermission) || !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("Add: %v; want ErrUnavailable and ErrPermission", err)
		}
	}
}

func TestAnIncrementOfWhatIsNoTextSaysSo(t *testing.T) {
	url := redistest.Start(t).URL()
	s := open(t, url, nil)
	if err := redistest.Client(t, url).LPush(t.Context(), "cache:list", "7").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Increment(t.Context(), "list", 1, time.Hour); !errors.Is(err, cache.ErrNotInteger) {
		t.Errorf("Increment of a list: %v; want ErrNotInteger", err)
	}
}

func numbered(n int) (keys []string, items map[string][]byte) {
	items = make(map[string][]byte, n)
	for i := range n {
		keys = append(keys, fmt.Sprint("key", i))
		items[keys[i]] = []byte("value")
	}
	return keys, items
}
