package session

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"strings"
	"time"
)

// List yields the sessions, in any order. One that is there from the beginning to the end is yielded; one that comes or goes meanwhile may be. On Redis one may come twice. An error is
// yielded last, beside the zero Info. The loop's body may end sessions.
//
// It reads the whole store, so it is for tools and tests, not for requests. A store that is no [cache.Scanner] yields [errors.ErrUnsupported].
func (s *Sessions) List(ctx context.Context) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for keys, err := range s.keys(ctx, sessionKey) {
			var raws map[string][]byte
			if err == nil {
				raws, err = s.store.GetMany(ctx, keys)
			}
			if err != nil {
				yield(Info{}, fmt.Errorf("session: list: %w", err))
				return
			}
			now := time.Now().UnixNano()
			for _, key := range keys {
				id, _ := parse32(key[len(sessionKey):])
				if r, ok, _, _ := decodeRecord(raws[key]); ok && r.expires > now && !yield(infoOf(&held{record: r, id: id}), nil) {
					return
				}
			}
		}
	}
}

// Delete ends the session that is known by id, as in [Info], and tells whether there was one. No request that is on its way brings it back. After an error it may have ended.
func (s *Sessions) Delete(ctx context.Context, id string) (found bool, err error) {
	h, ok := parse32(id)
	if !ok {
		return false, fmt.Errorf("session: delete: the id has %d bytes; allowed: the %d characters of base64url that List gives", len(id), textLen)
	}
	return s.endListed(ctx, h, nil)
}

// Clear ends all sessions: none that was there when it was called works when it returns nil, whatever is in flight, as far as the clocks of the processes agree. One that begins meanwhile may
// stay. It removes nothing from the cache that is not of these sessions. After an error some may be left.
//
// A store that is no [cache.Scanner] gives [errors.ErrUnsupported].
func (s *Sessions) Clear(ctx context.Context) error {
	// A session may get another key, one that has been passed already, while keys are looked for. It reads this mark after it did.
	if err := s.store.Set(ctx, clearedKey, encodeCleared(time.Now()), s.lifetime); err != nil {
		return fmt.Errorf("session: clear: %w", err)
	}
	// Those who are logging in find that they are not listed, or else are in the store already.
	for _, kind := range [...]string{userKey, sessionKey} {
		for keys, err := range s.keys(ctx, kind) {
			if err == nil {
				err = s.store.DeleteMany(ctx, keys)
			}
			if err != nil {
				return fmt.Errorf("session: clear: %w", err)
			}
		}
	}
	return nil
}

// keys yields the keys of a kind in batches: those that a session or an index can have.
func (s *Sessions) keys(ctx context.Context, kind string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		keys := make([]string, 0, atOnce)
		for key, err := range s.store.Keys(ctx, kind) {
			if err != nil {
				yield(nil, err)
				return
			}
			if _, ok := parse32(strings.TrimPrefix(key, kind)); !ok {
				continue
			}
			if keys = append(keys, key); len(keys) < atOnce {
				continue
			}
			if !yield(keys, nil) {
				return
			}
			keys = keys[:0]
		}
		if len(keys) > 0 {
			yield(keys, nil)
		}
	}
}

// The mark that Clear leaves is a version, 1, and when it began.
func encodeCleared(now time.Time) []byte {
	return binary.BigEndian.AppendUint64([]byte{1}, uint64(now.UnixNano()))
}

func decodeCleared(raw []byte) (at int64, ok bool) {
	if len(raw) != 9 || raw[0] != 1 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(raw[1:])), true
}
