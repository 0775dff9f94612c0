package items

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/internal/web"
)

const maxBody = 64 << 10

// process is what one server process has: the routes over a directory, and a cache of its own.
type process struct {
	t       testing.TB
	handler http.Handler
	cache   *cache.Cache
	store   *store
}

func start(t testing.TB, dir string) *process {
	t.Helper()
	memory, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &store{Store: memory}
	c, err := cache.New(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	e := web.New(web.Options{MaxBodyBytes: maxBody})
	if err := Routes(dir)(e); err != nil {
		t.Fatal(err)
	}
	return &process{t: t, handler: e, cache: c, store: s}
}

// do sends a request; a body that is not empty is JSON.
func (p *process) do(method, target, body string) *httptest.ResponseRecorder {
	p.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return p.send(r)
}

func (p *process) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r.WithContext(cache.NewContext(r.Context(), p.cache)))
	return w
}

// create makes an item and returns it.
func (p *process) create(body string) Item {
	p.t.Helper()
	return answer[Item](p.t, p.do(http.MethodPost, "/api/v1/items", body), http.StatusCreated)
}

func (p *process) get(id string) Item {
	p.t.Helper()
	return answer[Item](p.t, p.do(http.MethodGet, "/api/v1/items/"+id, ""), http.StatusOK)
}

func (p *process) list(query string) []Item {
	p.t.Helper()
	return answer[[]Item](p.t, p.do(http.MethodGet, "/api/v1/items"+query, ""), http.StatusOK)
}

func (p *process) expect(status int, method, target, body string) {
	p.t.Helper()
	if w := p.do(method, target, body); w.Code != status {
		p.t.Errorf("%s %s: status %d (%s), want %d", method, target, w.Code, w.Body, status)
	}
}

// answer returns the JSON of a response that must have the status.
func answer[T any](t testing.TB, w *httptest.ResponseRecorder, status int) (v T) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d (%s), want %d", w.Code, w.Body, status)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("the answer %q is not the JSON expected: %v", w.Body, err)
	}
	return v
}

func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// store is a memory store that notes what is asked of it and can be down.
type store struct {
	*memstore.Store
	mu         sync.Mutex
	down       bool
	before     func() // nil, or what happens before each operation
	operations []string
}

func (s *store) note(operation string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.operations = append(s.operations, operation)
	if s.before != nil {
		s.before()
	}
	if s.down {
		return errors.Join(cache.ErrUnavailable, errors.New("connection refused"))
	}
	return nil
}

func (s *store) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// since returns the operations since the last call; sorted, for some are made at once.
func (s *store) since() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	operations := s.operations
	s.operations = nil
	slices.Sort(operations)
	return operations
}

func (s *store) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := s.note("get " + key); err != nil {
		return nil, false, err
	}
	return s.Store.Get(ctx, key)
}

func (s *store) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.note("set " + key); err != nil {
		return err
	}
	return s.Store.Set(ctx, key, value, ttl)
}

func (s *store) Delete(ctx context.Context, key string) error {
	if err := s.note("delete " + key); err != nil {
		return err
	}
	return s.Store.Delete(ctx, key)
}
