package filestore_test

import (
	"context"
	"encoding/gob"
	"errors"
	"io"
	"iter"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// remote is a store in another process.
type remote struct {
	process *exec.Cmd
	in      io.Closer
	ended   chan struct{} // there are no more answers

	mu      sync.Mutex
	to      *gob.Encoder
	last    uint64
	waiting map[uint64]chan *reply
	closed  bool
}

var _ interface {
	cache.Store
	cache.Batcher
	cache.Adder
	cache.Incrementer
	cache.Swapper
	cache.Renewer
	cache.Toucher
	cache.Sweeper
	cache.Appender
	cache.Statter
	cache.Scanner
	cache.Limiter
} = (*remote)(nil)

// openElsewhere opens a store on dir in a process of its own.
func openElsewhere(t *testing.T, dir string) *remote {
	t.Helper()
	r := &remote{process: programOf("serve", dir), ended: make(chan struct{}), waiting: make(map[uint64]chan *reply)}
	in, err := r.process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.process.Start(); err != nil {
		t.Fatal(err)
	}
	r.in, r.to = in, gob.NewEncoder(in)
	go r.receive(gob.NewDecoder(out))
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("Close of a store in another process: %v", err)
		}
	})
	return r
}

func (r *remote) receive(from *gob.Decoder) {
	defer close(r.ended)
	for {
		a := new(reply)
		if from.Decode(a) != nil {
			return // the process says why
		}
		r.mu.Lock()
		r.waiting[a.ID] <- a
		delete(r.waiting, a.ID)
		r.mu.Unlock()
	}
}

// ask has the process do it, and waits for what comes of it: the process keeps to the deadline.
func (r *remote) ask(ctx context.Context, q request) (*reply, error) {
	answer, err := r.send(ctx, q)
	if err != nil {
		return &reply{}, err
	}
	select {
	case a := <-answer:
		return a, a.Err.err()
	case <-r.ended:
		return &reply{}, errors.New("the process has gone")
	}
}

func (r *remote) send(ctx context.Context, q request) (<-chan *reply, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, cache.ErrClosed
	}
	r.last++
	q.ID, q.Done = r.last, onWire(ctx.Err())
	q.Deadline, _ = ctx.Deadline()
	answer := make(chan *reply, 1)
	r.waiting[q.ID] = answer
	r.closed = q.Method == "Close"
	return answer, r.to.Encode(q)
}

// Close closes the store, and ends the process when it has answered what it was asked before.
func (r *remote) Close() error {
	_, err := r.ask(context.Background(), request{Method: "Close"})
	if errors.Is(err, cache.ErrClosed) {
		return nil // it is, or is being closed
	}
	err = errors.Join(err, r.in.Close())
	<-r.ended
	return errors.Join(err, r.process.Wait())
}

// found is the value as Get returns it: on the way an empty one becomes nil.
func (a *reply) found(err error) ([]byte, bool, error) {
	if a.Found && a.Value == nil {
		a.Value = []byte{}
	}
	return a.Value, a.Found, err
}

func (r *remote) Get(ctx context.Context, key string) ([]byte, bool, error) {
	a, err := r.ask(ctx, request{Method: "read", Key: key})
	return a.found(err)
}

func (r *remote) GetAppend(ctx context.Context, dst []byte, key string) ([]byte, bool, error) {
	a, err := r.ask(ctx, request{Method: "GetAppend", Key: key, Value: dst})
	if !a.Found {
		return dst, false, err
	}
	return append(dst, a.Value[len(dst):]...), true, err
}

func (r *remote) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	_, err := r.ask(ctx, request{Method: "Set", Key: key, Value: value, TTL: ttl})
	return err
}

func (r *remote) Delete(ctx context.Context, key string) error {
	_, err := r.ask(ctx, request{Method: "remove", Key: key})
	return err
}

func (r *remote) Exists(ctx context.Context, key string) (bool, error) {
	a, err := r.ask(ctx, request{Method: "Exists", Key: key})
	return a.Found, err
}

func (r *remote) Clear(ctx context.Context, prefix string) error {
	_, err := r.ask(ctx, request{Method: "Clear", Key: prefix})
	return err
}

func (r *remote) Ping(ctx context.Context) error {
	_, err := r.ask(ctx, request{Method: "Ping"})
	return err
}

func (r *remote) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	a, err := r.ask(ctx, request{Method: "GetMany", Keys: keys})
	for key, value := range a.Items {
		if value == nil {
			a.Items[key] = []byte{}
		}
	}
	return a.Items, err
}

func (r *remote) SetMany(ctx context.Context, items map[string][]byte, ttl time.Duration) error {
	_, err := r.ask(ctx, request{Method: "SetMany", Items: items, TTL: ttl})
	return err
}

func (r *remote) DeleteMany(ctx context.Context, keys []string) error {
	_, err := r.ask(ctx, request{Method: "DeleteMany", Keys: keys})
	return err
}

func (r *remote) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	a, err := r.ask(ctx, request{Method: "Add", Key: key, Value: value, TTL: ttl})
	return a.Found, err
}

func (r *remote) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	a, err := r.ask(ctx, request{Method: "Increment", Key: key, N: delta, TTL: ttl})
	return a.N, err
}

func (r *remote) CompareAndSwap(ctx context.Context, key string, old, replacement []byte, ttl time.Duration) (bool, error) {
	a, err := r.ask(ctx, request{Method: "CompareAndSwap", Key: key, Old: old, Value: replacement, TTL: ttl})
	return a.Found, err
}

func (r *remote) CompareAndDelete(ctx context.Context, key string, old []byte) (bool, error) {
	a, err := r.ask(ctx, request{Method: "CompareAndDelete", Key: key, Old: old})
	return a.Found, err
}

func (r *remote) GetAndRenew(ctx context.Context, key string, ttl time.Duration) ([]byte, bool, error) {
	a, err := r.ask(ctx, request{Method: "GetAndRenew", Key: key, TTL: ttl})
	return a.found(err)
}

func (r *remote) Touch(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	a, err := r.ask(ctx, request{Method: "Touch", Key: key, TTL: ttl})
	return a.Found, err
}

func (r *remote) TTL(ctx context.Context, key string) (time.Duration, bool, error) {
	a, err := r.ask(ctx, request{Method: "TTL", Key: key})
	return a.TTL, a.Found, err
}

func (r *remote) DeleteExpired(ctx context.Context) (int, error) {
	a, err := r.ask(ctx, request{Method: "DeleteExpired"})
	return int(a.N), err
}

func (r *remote) Stats(ctx context.Context) (cache.Stats, error) {
	a, err := r.ask(ctx, request{Method: "Stats"})
	return a.Stats, err
}

// Keys has them all told at once, and yields them for as long as the caller wants them.
func (r *remote) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		a, err := r.ask(ctx, request{Method: "Keys", Key: prefix})
		for _, key := range a.Keys {
			if err = ctx.Err(); err != nil {
				break
			}
			if !yield(key, nil) {
				return
			}
		}
		if err != nil {
			yield("", err)
		}
	}
}

func (r *remote) Take(ctx context.Context, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	a, err := r.ask(ctx, request{Method: "Take", Key: key, Limits: limits, N: cost})
	return a.Decision, err
}
