package cache

import (
	"errors"
	"fmt"
	"strconv"
)

// What a caller can act on is told apart by [errors.Is] with one of these, with [errors.ErrUnsupported], with [context.Canceled] or with
// [context.DeadlineExceeded]. Any other error is a mistake of the program's, such as a limit that makes no sense, and is told by its text.
var (
	// ErrInvalidKey: the key is empty or longer than [MaxKeyLen] bytes.
	ErrInvalidKey = errors.New("invalid key")
	// ErrInvalidTTL: the duration is no lifetime here.
	ErrInvalidTTL = errors.New("invalid lifetime")
	// ErrClosed: the cache or its store has been closed.
	ErrClosed = errors.New("closed")
	// ErrUnavailable: the backend could not be reached, did not answer in time, or refused to serve.
	ErrUnavailable = errors.New("store unavailable")
	// ErrTooLarge: the value does not fit. What was stored under the key is unchanged.
	ErrTooLarge = errors.New("value too large")
	// ErrNotInteger: the entry is not a number that can be counted on. It is unchanged.
	ErrNotInteger = errors.New("not an integer")
	// ErrOverflow: the number would not fit 64 bits. It is unchanged.
	ErrOverflow = errors.New("integer overflow")
	// ErrNotFound: there is no entry, where the operation needs one.
	ErrNotFound = errors.New("not found")
)

// maxKeyInError is how many bytes of a key an error shows: a key may be a kilobyte, a log line should not be.
const maxKeyInError = 64

// OpError is what operations of a [Cache] and of the stores here return: what was tried, on which key, and why it failed.
// It reads
//
//	cache: get "item:1": store unavailable: connection refused
//	cache: get many of 500 keys: store unavailable: connection refused
type OpError struct {
	Op   string // the operation: "get", "set", "get many", "clear", …
	Key  string // the key as the caller gave it, of a Clear the prefix of its namespace; empty where there is none
	Keys int    // how many keys a batch has; 0 for other operations
	Err  error  // why; never nil
}

// Error names the operation and the key, or how many keys, once. The key is quoted and cut at 64 bytes.
func (e *OpError) Error() string {
	s := "cache: " + e.Op
	switch {
	case e.Keys == 1:
		s += " of 1 key"
	case e.Keys > 1:
		s += " of " + strconv.Itoa(e.Keys) + " keys"
	}
	if e.Key != "" {
		s += " " + quoteKey(e.Key)
	}
	return s + ": " + e.Err.Error()
}

func quoteKey(key string) string {
	if len(key) > maxKeyInError {
		return strconv.Quote(key[:maxKeyInError]) + "…"
	}
	return strconv.Quote(key)
}

// Unwrap returns e.Err.
func (e *OpError) Unwrap() error { return e.Err }

// opError returns err as an *OpError of the caller's own terms. A store names its own, longer key: that is replaced, so
// that the operation and the key are named once.
func opError(op, key string, err error) error {
	if err == nil {
		return nil
	}
	return &OpError{Op: op, Key: key, Err: unnamed(err)}
}

// batchError returns err as an *OpError of a batch of so many keys.
func batchError(op string, keys int, err error) error {
	if err == nil {
		return nil
	}
	return &OpError{Op: op, Keys: keys, Err: unnamed(err)}
}

// unnamed returns err without what a store named.
func unnamed(err error) error {
	if inner, ok := err.(*OpError); ok { //nolint:errorlint // only the outermost error is the store's own naming
		return inner.Err
	}
	return err
}

// maxTries is how often an operation that is made of a read and a conditional write starts over because others were faster.
const maxTries = 100

func errContended() error {
	return fmt.Errorf("%w: others changed the entry between its read and its write, %d times in a row", ErrUnavailable, maxTries)
}
