package filestore_test

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
)

// request is an operation, as it is told to another process.
type request struct {
	ID       uint64
	Method   string
	Done     *wireError // that of its context
	Deadline time.Time  // that of its context, or zero
	Key      string     // or a prefix
	Keys     []string
	Value    []byte
	Old      []byte
	Items    map[string][]byte
	TTL      time.Duration
	N        int64
	Limits   []cache.Limit
}

// reply is what became of it.
type reply struct {
	ID       uint64
	Found    bool // or stored, swapped, deleted
	Value    []byte
	Items    map[string][]byte
	Keys     []string
	TTL      time.Duration
	N        int64
	Stats    cache.Stats
	Decision cache.Decision
	Err      *wireError
}

// wireError is an error, as it is told to another process.
type wireError struct {
	Named bool // it was an OpError
	Op    string
	Key   string
	Keys  int
	Text  string
	Is    []string // the texts of those of the sentinels that it matches
}

// sentinels are the errors that callers tell apart.
func sentinels() []error {
	return []error{
		context.Canceled, context.DeadlineExceeded, errors.ErrUnsupported,
		cache.ErrInvalidKey, cache.ErrInvalidTTL, cache.ErrClosed, cache.ErrUnavailable, cache.ErrTooLarge, cache.ErrNotInteger, cache.ErrOverflow, cache.ErrNotFound,
		filestore.ErrNoSpace, filestore.ErrPermission, filestore.ErrReadOnly, filestore.ErrTooManyFiles,
	}
}

func onWire(err error) *wireError {
	if err == nil {
		return nil
	}
	w := &wireError{}
	if named, ok := err.(*cache.OpError); ok {
		w.Named, w.Op, w.Key, w.Keys, err = true, named.Op, named.Key, named.Keys, named.Err
	}
	w.Text = err.Error()
	for _, s := range sentinels() {
		if errors.Is(err, s) {
			w.Is = append(w.Is, s.Error())
		}
	}
	return w
}

// told is an error of another process. It matches what that one matched.
type told struct {
	text string
	is   []error
}

func (e *told) Error() string   { return e.text }
func (e *told) Unwrap() []error { return e.is }

func (w *wireError) err() error {
	if w == nil {
		return nil
	}
	err := error(&told{w.Text, slices.DeleteFunc(sentinels(), func(s error) bool { return !slices.Contains(w.Is, s.Error()) })})
	if w.Named {
		err = &cache.OpError{Op: w.Op, Key: w.Key, Keys: w.Keys, Err: err}
	}
	return err
}

// serve is a program that has a store on dir and does what it reads from in, all at once, until there is no more.
func serve(dir string, in io.Reader, out io.Writer) error {
	s, err := filestore.Open(dir, &filestore.Options{Timeout: 10 * time.Second})
	if err != nil {
		return err
	}
	var mu sync.Mutex // of who answers
	to, from := gob.NewEncoder(out), gob.NewDecoder(in)
	var all sync.WaitGroup
	for {
		q := new(request)
		if err := from.Decode(q); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		all.Go(func() {
			a := &reply{ID: q.ID}
			a.Err = onWire(q.do(s, a))
			mu.Lock()
			defer mu.Unlock()
			if err := to.Encode(a); err != nil {
				panic(err)
			}
		})
	}
	all.Wait()
	return s.Close()
}

// context is like the one that the operation was called with.
func (q *request) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	if !q.Deadline.IsZero() {
		ctx, cancel = context.WithDeadline(context.Background(), q.Deadline)
	}
	if errors.Is(q.Done.err(), context.Canceled) {
		cancel()
	}
	return ctx, cancel
}

func (q *request) do(s *filestore.Store, a *reply) (err error) {
	ctx, cancel := q.context()
	defer cancel()
	switch q.Method {
	case "read":
		a.Value, a.Found, err = s.Get(ctx, q.Key)
	case "GetAppend":
		a.Value, a.Found, err = s.GetAppend(ctx, q.Value, q.Key)
	case "Set":
		err = s.Set(ctx, q.Key, q.Value, q.TTL)
	case "remove":
		err = s.Delete(ctx, q.Key)
	case "Exists":
		a.Found, err = s.Exists(ctx, q.Key)
	case "Clear":
		err = s.Clear(ctx, q.Key)
	case "Ping":
		err = s.Ping(ctx)
	case "Close":
		err = s.Close()
	case "GetMany":
		a.Items, err = s.GetMany(ctx, q.Keys)
	case "SetMany":
		err = s.SetMany(ctx, q.Items, q.TTL)
	case "DeleteMany":
		err = s.DeleteMany(ctx, q.Keys)
	case "Add":
		a.Found, err = s.Add(ctx, q.Key, q.Value, q.TTL)
	case "Increment":
		a.N, err = s.Increment(ctx, q.Key, q.N, q.TTL)
	case "CompareAndSwap":
		a.Found, err = s.CompareAndSwap(ctx, q.Key, q.Old, q.Value, q.TTL)
	case "CompareAndDelete":
		a.Found, err = s.CompareAndDelete(ctx, q.Key, q.Old)
	case "GetAndRenew":
		a.Value, a.Found, err = s.GetAndRenew(ctx, q.Key, q.TTL)
	case "Touch":
		a.Found, err = s.Touch(ctx, q.Key, q.TTL)
	case "TTL":
		a.TTL, a.Found, err = s.TTL(ctx, q.Key)
	case "DeleteExpired":
		n := 0
		n, err = s.DeleteExpired(ctx)
		a.N = int64(n)
	case "Stats":
		a.Stats, err = s.Stats(ctx)
	case "Keys":
		for key, failed := range s.Keys(ctx, q.Key) {
			if err = failed; err == nil {
				a.Keys = append(a.Keys, key)
			}
		}
	case "Take":
		a.Decision, err = s.Take(ctx, q.Key, q.Limits, q.N)
	default:
		err = fmt.Errorf("there is no method %q", q.Method)
	}
	return err
}
