package filestore

import (
	"errors"
	"fmt"

	"github.com/larder-go/larder/cache"
)

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
	return fmt.Errorf("%w: %s: %w", cache.ErrUnavailable, what, err)
}

// standing tells whether a Set that gave err is known to have changed nothing, so that what was there counts.
func standing(err error) bool {
	if _, ok := errors.AsType[*refusal](err); ok {
		return true
	}
	return errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrTooLarge) || errors.Is(err, cache.ErrClosed)
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
