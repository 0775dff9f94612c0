package cache

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Registry holds named caches, each isolated from the others, such as "sessions" and "response_cache". It owns them: its Close closes
// each once. All methods are safe for concurrent use. A nil *Registry is valid: every name is the nil cache.
type Registry struct {
	*names
	owner bool // Close closes: true only for the handle that NewRegistry returned
}

// names is what all handles on one registry share.
type names struct {
	factory func(name string) (*Cache, error)

	mu     sync.Mutex
	named  map[string]*named
	owned  []*Cache // in the order in which they came, those that were replaced too
	closed bool
	making sync.WaitGroup

	closeOnce sync.Once
	closeErr  error
}

// named is one name. Its fields are set before ready is closed and not written afterwards.
type named struct {
	ready  chan struct{}
	handle *Cache
	err    error
}

// NewRegistry returns an empty registry. defaultFactory makes the cache of a name that nobody registered, once, when it is first asked for;
// the registry owns what it returns. It may return a nil cache, which is valid. Where it fails, the next Get asks it again. It must not ask
// the registry for the name that it is making, nor close it. A nil defaultFactory is strict: a name that nobody registered is an error.
func NewRegistry(defaultFactory func(name string) (*Cache, error)) *Registry {
	return &Registry{names: &names{factory: defaultFactory, named: make(map[string]*named)}, owner: true}
}

// Get returns the cache of that name, the same handle each time; its Close does nothing. A name that was not registered is made by the
// default factory; callers who ask meanwhile wait for it. The error matches [ErrNotFound] where there is no factory, and [ErrClosed] after
// Close. A name is as that of a namespace: 1 to 64 of A-Z, a-z, 0-9, '_' and '-'.
func (r *Registry) Get(name string) (*Cache, error) {
	if r == nil {
		return nil, nil //nolint:nilnil // the nil cache is valid
	}
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("cache: registry: get: %w", err)
	}
	if r.names == nil {
		return nil, fmt.Errorf("cache: registry: get %q: the registry was not made by NewRegistry", name)
	}
	n, mine, err := r.lookUp(name)
	if err != nil {
		return nil, fmt.Errorf("cache: registry: get %q: %w", name, err)
	}
	if mine {
		r.make(name, n)
	}
	<-n.ready
	if n.err != nil {
		return nil, fmt.Errorf("cache: registry: get %q: %w", name, n.err)
	}
	return n.handle, nil
}

// lookUp returns the entry of the name, and whether the caller is the one who has to make it.
func (r *names) lookUp(name string) (n *named, mine bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, false, ErrClosed
	}
	if n := r.named[name]; n != nil {
		return n, false, nil
	}
	if r.factory == nil {
		return nil, false, fmt.Errorf("%w: no cache has that name", ErrNotFound)
	}
	n = &named{ready: make(chan struct{})}
	r.named[name] = n
	r.making.Add(1)
	return n, true, nil
}

// make asks the factory. What fails is forgotten, so that the next Get tries again, also where the factory panicked or ended the goroutine.
func (r *names) make(name string, n *named) {
	n.err = errors.New("the default factory did not return")
	defer func() {
		r.mu.Lock()
		if n.err != nil && r.named[name] == n {
			delete(r.named, name)
		}
		r.mu.Unlock()
		close(n.ready)
		r.making.Done()
	}()
	c, err := r.factory(name)
	if err == nil {
		r.own(c)
		n.handle = c.borrowed()
	}
	n.err = err
}

func (r *names) own(c *Cache) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c != nil && !slices.Contains(r.owned, c) {
		r.owned = append(r.owned, c)
	}
}

// Register gives c the name. The registry owns it from now on, unless there is an error: a name that is taken is one unless override is
// asked for. What override replaces stays open until Close, for somebody may hold it. The same cache may have several names. A namespace of a
// cache does not own the store: whoever has the cache that [New] returned closes it.
func (r *Registry) Register(name string, c *Cache, override bool) error {
	if r == nil {
		return fmt.Errorf("cache: registry: register %q: the registry is nil", name)
	}
	if err := checkName(name); err != nil {
		return fmt.Errorf("cache: registry: register: %w", err)
	}
	if r.names == nil {
		return fmt.Errorf("cache: registry: register %q: the registry was not made by NewRegistry", name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return fmt.Errorf("cache: registry: register %q: %w", name, ErrClosed)
	}
	if r.named[name] != nil && !override {
		return fmt.Errorf("cache: registry: register %q: the name is taken, and override was not asked for", name)
	}
	n := &named{ready: make(chan struct{}), handle: c.borrowed()}
	close(n.ready)
	r.named[name] = n
	if c != nil && !slices.Contains(r.owned, c) {
		r.owned = append(r.owned, c)
	}
	return nil
}

// Close closes the caches that the registry owns, each once, the last that came first, and tries every one though others fail. It waits for
// a factory that is at work. It is idempotent; afterwards Get and Register give [ErrClosed]. On a registry obtained from a request or a
// context, and on a nil one, it does nothing.
func (r *Registry) Close() error {
	if r == nil || !r.owner {
		return nil
	}
	r.closeOnce.Do(func() { r.closeErr = r.close() })
	return r.closeErr
}

func (r *names) close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.making.Wait() // from here on nothing is added to owned
	var errs []error
	for _, c := range slices.Backward(r.owned) {
		errs = append(errs, closeSafely(c))
	}
	return errors.Join(errs...)
}

// closeSafely makes a panic an error, so that the others are closed too.
func closeSafely(c *Cache) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cache: close: panic: %v", p)
		}
	}()
	return c.Close()
}

// borrowed returns a handle like r whose Close does nothing.
func (r *Registry) borrowed() *Registry {
	if r == nil {
		return nil
	}
	return &Registry{names: r.names}
}
