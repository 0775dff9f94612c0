package filestore

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/larder-go/larder/cache"
)

var _ cache.Scanner = (*Store)(nil)

// Keys yields the keys that begin with prefix. It reads the heads of all entries, whatever the prefix; so it may yield the key of one whose value is damaged.
func (s *Store) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := s.keys(ctx, prefix, yield); err != nil {
			yield("", opError("keys", prefix, err))
		}
	}
}

func (s *Store) keys(ctx context.Context, prefix string, yield func(string, error) bool) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	for _, sh := range s.shards {
		rest, err := s.names(ctx, sh)
		for err == nil && len(rest) > 0 {
			var files []file
			files, rest, err = s.heads(ctx, sh, rest)
			for i := range files {
				f := &files[i]
				if !isEntry(f.name) || f.kind != whole || f.expires <= clock() || s.failed.covers(f.key, f.created) || !strings.HasPrefix(f.key, prefix) {
					continue
				}
				if !yield(f.key, nil) {
					return nil
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Clear removes the entries whose key has the prefix. It reads the heads of all entries, whatever the prefix.
func (s *Store) Clear(ctx context.Context, prefix string) error {
	if err := s.begin(ctx); err != nil {
		return opError("clear", prefix, err)
	}
	err := s.clear(ctx, prefix)
	if err != nil && !errors.Is(err, cache.ErrClosed) {
		s.failed.notePrefix(prefix)
	}
	return opError("clear", prefix, err)
}

func (s *Store) clear(ctx context.Context, prefix string) error {
	begun := clock()
	match := func(f *file) bool { return f.kind == whole && isEntry(f.name) && strings.HasPrefix(f.key, prefix) }
	var err error
	for _, sh := range s.shards {
		failed := s.clearShard(ctx, sh, match)
		// What can be removed is, whatever stands in the way elsewhere; but a disk that does not answer is not asked for each.
		if err = cmp.Or(err, failed); failed != nil && !isTrouble(failed) {
			return err
		}
	}
	if err == nil {
		s.failed.forgetBelow(prefix, begun)
	}
	return err
}

func (s *Store) clearShard(ctx context.Context, sh *shard, match func(f *file) bool) error {
	rest, err := s.names(ctx, sh)
	for len(rest) > 0 && (err == nil || isTrouble(err)) {
		files, left, failed := s.heads(ctx, sh, rest)
		rest = left
		_, failedToo := s.weedAll(ctx, sh, matching(files, match), match, match)
		err = worse(err, worse(failed, failedToo))
	}
	if err != nil || s.sync != SyncFull {
		return err
	}
	// Somebody may have removed others and been killed before he had synced that.
	_, _, err = s.weed(ctx, sh, nil, match)
	return err
}

// matching returns those of the files that match.
func matching(files []file, match func(f *file) bool) []file {
	var those []file
	for i := range files {
		if match(&files[i]) {
			those = append(those, files[i])
		}
	}
	return those
}
