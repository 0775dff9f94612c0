package filestore

import (
	"errors"
	"fmt"
	"slices"

	"github.com/larder-go/larder/cache"
)

// What the system may refuse, where the error of an operation is told apart by [errors.Is]. It matches [cache.ErrUnavailable] too.
var (
	// ErrNoSpace: the disk, or what the user may have of it, is full.
	ErrNoSpace = errors.New("no space")
	// ErrPermission: the process may not use the directory or a file in it.
	ErrPermission = errors.New("no permission")
	// ErrReadOnly: the file system is mounted for reading.
	ErrReadOnly = errors.New("read-only")
	// ErrTooManyFiles: the process, or the system, has as many files open as it may.
	ErrTooManyFiles = errors.New("too many open files")
)

// trouble is what the system refused, in its own words.
type trouble struct {
	what string
	err  error
}

func (t *trouble) Error() string { return t.what + ": " + t.err.Error() }
func (t *trouble) Unwrap() error { return t.err }

// isTrouble tells whether the system refused something, which it may not refuse elsewhere.
func isTrouble(err error) bool {
	_, ok := errors.AsType[*trouble](err)
	return ok
}

// worse is the first of two errors, or the second where that alone is no trouble: then there is no use in going on.
func worse(a, b error) error {
	if a == nil || b != nil && isTrouble(a) && !isTrouble(b) {
		return b
	}
	return a
}

func (t *trouble) Is(target error) bool {
	var refusals []error
	switch target {
	case ErrNoSpace:
		refusals = noSpace()
	case ErrPermission:
		refusals = noPermission()
	case ErrReadOnly:
		refusals = readOnly()
	case ErrTooManyFiles:
		refusals = tooManyFiles()
	}
	return slices.ContainsFunc(refusals, func(r error) bool { return errors.Is(t.err, r) })
}

// refusal is why a write changed nothing: the system refused it, and what was there stands.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// refused is a refusal to do what, or nil where err is.
func refused(what string, err error) error {
	if err == nil {
		return nil
	}
	return &refusal{unavailable(what, err)}
}

// unavailable says what could not be done, and matches ErrUnavailable.
func unavailable(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", cache.ErrUnavailable, &trouble{what, err})
}

// standing tells whether a Set that gave err is known to have changed nothing, so that what was there counts.
func standing(err error) bool {
	if _, ok := errors.AsType[*refusal](err); ok {
		return true
	}
	return errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrTooLarge) || errors.Is(err, cache.ErrInvalidKey) || errors.Is(err, cache.ErrClosed)
}

// opError names the operation and the key, where the store was asked for it.
func opError(op, key string, err error) error {
	if err == nil {
		return nil
	}
	return &cache.OpError{Op: op, Key: key, Err: err}
}

// batchError names the operation and how many keys it had.
func batchError(op string, keys int, err error) error {
	if err == nil {
		return nil
	}
	return &cache.OpError{Op: op, Keys: keys, Err: err}
}
