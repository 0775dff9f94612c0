package lineartest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// server is a backend that can be down. What is sent to it then gets no answer: it is lost, or executed, or executed some time after
// the server is up again.
type server struct {
	store *memstore.Store

	mu    sync.Mutex
	down  bool
	turns int
	late  []func()
}

func (s *server) goDown() (restore func()) {
	s.turn(true)
	return func() { s.turn(false) }
}

func (s *server) turn(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// execute is one command of a client. After an error the client must not look at what the command writes.
func (s *server) execute(command func()) error {
	defer runtime.Gosched()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turns++
	if !s.down {
		if len(s.late) > 0 && s.turns%3 == 0 {
			s.late[0]()
			s.late = s.late[1:]
		}
		command()
		return nil
	}
	switch s.turns % 3 {
	case 0:
		command()
	case 1:
		s.late = append(s.late, command)
	}
	return fmt.Errorf("%w: no answer", cache.ErrUnavailable)
}

// process is a store on a server, as one process has it: it remembers what failed and makes up for it, but for its flaw.
type process struct {
	*server
	flaw   string
	served sync.Map // what Get has returned

	mu     sync.Mutex
	marks  map[string]bool
	clears map[string]int // how many operations there are until the Clear is repeated
}

// The flaws that a process may have.
const (
	forgetsSets    = "forgets that a Set failed"
	forgetsDeletes = "forgets that a Delete failed"
	forgetsClears  = "forgets that a Clear failed"
	settlesLate    = "reads before it makes up for what failed"
	countsAgain    = "runs an Increment again that failed"
	servesOld      = "serves what it has served before while the server is down"
	claimsSuccess  = "says of a Set that failed that it has not"
	undoesAdds     = "deletes the key of an Add that failed"
)

func newProcess(s *server, flaw string) *process {
	return &process{server: s, flaw: flaw, marks: make(map[string]bool), clears: make(map[string]int)}
}

// note remembers that a write of key failed.
func (p *process) note(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.marks[key] = true
}

// settle makes up for what failed. It tells whether a Clear is yet to be repeated: until then there counts as nothing under key.
func (p *process) settle(ctx context.Context, key string) (clearing bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.marks[key] {
		if err := p.execute(func() { _ = p.store.Delete(ctx, key) }); err != nil {
			return false, err
		}
		delete(p.marks, key)
	}
	for prefix, left := range p.clears {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		if p.clears[prefix]--; left > 0 || p.execute(func() { _ = p.store.Clear(ctx, prefix) }) != nil {
			return true, nil
		}
		delete(p.clears, prefix)
	}
	return false, nil
}

// read executes a command whose answer may be that there is nothing.
func (p *process) read(ctx context.Context, key string, command func()) (nothing bool, err error) {
	if p.flaw == settlesLate {
		if err := p.execute(command); err != nil {
			return false, err
		}
		_, err = p.settle(ctx, key)
		return false, err
	}
	if clearing, err := p.settle(ctx, key); clearing || err != nil {
		return clearing, err
	}
	return false, p.execute(command)
}

// write executes one that must not run before everything was made up for.
func (p *process) write(ctx context.Context, key string, command func()) error {
	clearing, err := p.settle(ctx, key)
	if clearing && err == nil {
		err = fmt.Errorf("%w: a Clear is to be repeated", cache.ErrUnavailable)
	}
	if err != nil {
		return err
	}
	return p.execute(command)
}

func (p *process) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	var v []byte
	var ok bool
	nothing, err := p.read(ctx, key, func() { v, ok, _ = p.store.Get(ctx, key) })
	switch {
	case err != nil && p.flaw == servesOld:
		if old, ok := p.served.Load(key); ok {
			return []byte(old.(string)), true, nil
		}
		return nil, false, err
	case nothing || err != nil:
		return nil, false, err
	}
	if ok {
		p.served.Store(key, string(v))
	}
	return v, ok, nil
}

// asks reads whether something holds.
func (p *process) asks(ctx context.Context, key string, ask func() bool) (bool, error) {
	var is bool
	if nothing, err := p.read(ctx, key, func() { is = ask() }); nothing || err != nil {
		return false, err
	}
	return is, nil
}

func (p *process) Exists(ctx context.Context, key string) (bool, error) {
	return p.asks(ctx, key, func() bool { found, _ := p.store.Exists(ctx, key); return found })
}

func (p *process) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	return p.asks(ctx, key, func() bool { swapped, _ := p.store.CompareAndSwap(ctx, key, old, value, ttl); return swapped })
}

func (p *process) CompareAndDelete(ctx context.Context, key string, old []byte) (bool, error) {
	return p.asks(ctx, key, func() bool { deleted, _ := p.store.CompareAndDelete(ctx, key, old); return deleted })
}

func (p *process) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	clearing, err := p.settle(ctx, key)
	if clearing && ttl == cache.KeepTTL {
		return cache.ErrNotFound
	}
	var answer error
	if err == nil {
		err = p.execute(func() { answer = p.store.Set(ctx, key, value, ttl) })
	}
	switch {
	case err == nil:
		return answer
	case p.flaw == claimsSuccess:
		return nil
	case p.flaw != forgetsSets:
		p.note(key)
	}
	return err
}

func (p *process) Delete(ctx context.Context, key string) error {
	_, err := p.settle(ctx, key)
	if err == nil {
		err = p.execute(func() { _ = p.store.Delete(ctx, key) })
	}
	if err != nil && p.flaw != forgetsDeletes {
		p.note(key)
	}
	return err
}

func (p *process) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	items := make(map[string][]byte)
	for _, key := range keys {
		value, found, err := p.Get(ctx, key)
		if err != nil {
			return nil, err
		}
		if found {
			items[key] = value
		}
	}
	return items, nil
}

// SetMany goes on after an error, so that every key is remembered.
func (p *process) SetMany(ctx context.Context, items map[string][]byte, ttl time.Duration) error {
	var errs []error
	for key, value := range items {
		errs = append(errs, p.Set(ctx, key, value, ttl))
	}
	return errors.Join(errs...)
}

// DeleteMany does so too.
func (p *process) DeleteMany(ctx context.Context, keys []string) error {
	var errs []error
	for _, key := range keys {
		errs = append(errs, p.Delete(ctx, key))
	}
	return errors.Join(errs...)
}

func (p *process) Clear(ctx context.Context, prefix string) error {
	err := p.execute(func() { _ = p.store.Clear(ctx, prefix) })
	if err != nil && p.flaw != forgetsClears {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.clears[prefix] = 3
	}
	return err
}

func (p *process) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	var stored bool
	if err := p.write(ctx, key, func() { stored, _ = p.store.Add(ctx, key, value, ttl) }); err != nil {
		if p.flaw == undoesAdds {
			p.note(key)
		}
		return false, err
	}
	return stored, nil
}

func (p *process) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	sum, err := p.count(ctx, key, delta, ttl)
	for tries := 0; errors.Is(err, cache.ErrUnavailable) && p.flaw == countsAgain && tries < 10; tries++ {
		sum, err = p.count(ctx, key, delta, ttl)
	}
	return sum, err
}

func (p *process) count(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	var sum int64
	var answer error
	if err := p.write(ctx, key, func() { sum, answer = p.store.Increment(ctx, key, delta, ttl) }); err != nil {
		return 0, err
	}
	return sum, answer
}

func (p *process) Ping(context.Context) error { return p.execute(func() {}) }

func (p *process) Close() error { return nil }
