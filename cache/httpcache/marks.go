package httpcache

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// mark is a version of a tag or a group that a stored response depends on: where the store has another by now, or none, the response is a
// miss. So one write invalidates all, and a mark that got lost costs misses and never an old answer.
type mark struct{ key, version string }

// isMark is the kind of a mark's record: its version, and when it was invalidated last. A response of which the handler was asked before that is not stored.
const isMark kind = 'm'

const (
	// markLife is how long a mark lives after the last response with it was stored, and taggedLife how long such a response is kept at most.
	markLife   = 31 * 24 * time.Hour
	taggedLife = 30 * 24 * time.Hour
	// maxMarks is how many tags and groups together a response may have: RFC 9875 section 2 asks for 128 groups at least.
	maxMarks = 256
)

func tagKey(tag string) string { return markKey("tag", "", tag) }

// groupKey is that of a group, which is one of its origin (RFC 9875 section 2).
func groupKey(origin, group string) string { return markKey("group", origin, group) }

func markKey(space, origin, name string) string {
	sum := sha256.Sum256(appendPart(appendPart(appendPart(nil, space), origin), name))
	return "m." + base64.RawURLEncoding.EncodeToString(sum[:])
}

// originOf is the origin that a request was made to.
func originOf(r *http.Request) string { return schemeOf(r) + "://" + hostOf(r) }

// normalOrigin is an origin as originOf has it.
func normalOrigin(s string) string {
	scheme, host, _ := strings.Cut(strings.ToLower(s), "://")
	return scheme + "://" + normalHost(host, scheme)
}

// groupsOf reads a list of strings (RFC 9875 section 2): what is none is no group, and its members of other types are ignored.
func groupsOf(lines []string) []string {
	if len(lines) == 0 {
		return nil
	}
	list, err := httpsfv.UnmarshalList(lines)
	if err != nil {
		return nil
	}
	var groups []string
	for _, m := range list {
		if item, ok := m.(httpsfv.Item); ok {
			if name, ok := item.Value.(string); ok {
				groups = append(groups, name)
			}
		}
	}
	return groups
}

func encodeMark(version string, invalidated time.Time) []byte {
	w := &writer{}
	w.text(version)
	w.moment(invalidated)
	return seal(isMark, w, nil)
}

func decodeMark(b []byte) (version string, invalidated time.Time, ok bool) {
	k, head, _, ok := open(b)
	if !ok || k != isMark {
		return "", time.Time{}, false
	}
	r := reader{s: string(head)}
	version, invalidated = r.text(), r.moment()
	return version, invalidated, !r.failed
}

// takeMarks returns the marks under keys as they are, making those that are not there. ok is false where one was invalidated after asked, or
// the store does not say.
func (s *shelf) takeMarks(ctx context.Context, keys []string, asked time.Time) (marks []mark, ok bool) {
	found, err := s.cache.GetMany(ctx, keys)
	if err != nil {
		return nil, false
	}
	for _, key := range keys {
		record, there := found[key]
		version, invalidated, ok := decodeMark(record)
		switch {
		case !ok:
			version = newNonce()
			made := encodeMark(version, time.Unix(0, 0))
			stored, err := s.cache.Add(ctx, key, made, markLife)
			if errors.Is(err, errors.ErrUnsupported) || err == nil && !stored && there { // garbage
				err, stored = s.cache.Set(ctx, key, made, markLife), true
			}
			if err != nil || !stored {
				return nil, false
			}
		case !invalidated.Before(asked):
			return nil, false
		default:
			if _, err := s.cache.Touch(ctx, key, markLife); err != nil && !errors.Is(err, errors.ErrUnsupported) {
				return nil, false
			}
		}
		marks = append(marks, mark{key, version})
	}
	return marks, true
}

// hold reports whether all marks are as they were.
func (s *shelf) hold(ctx context.Context, marks []mark) (bool, error) {
	keys := make([]string, len(marks))
	for i, m := range marks {
		keys[i] = m.key
	}
	found, err := s.cache.GetMany(ctx, keys)
	if err != nil {
		return false, err
	}
	for _, m := range marks {
		if version, _, ok := decodeMark(found[m.key]); !ok || version != m.version {
			return false, nil
		}
	}
	return true, nil
}

// stands reports whether no mark under keys was invalidated since asked. It waits no longer than what is left.
func (s *shelf) stands(ctx context.Context, left time.Duration, keys []string, asked time.Time) bool {
	found, err := watch(ctx, &s.guard, left, func(ctx context.Context) (map[string][]byte, error) { return s.cache.GetMany(ctx, keys) })
	if err != nil {
		return false
	}
	for _, value := range found {
		if _, invalidated, ok := decodeMark(value); ok && !invalidated.Before(asked) {
			return false
		}
	}
	return true
}

// invalidate makes all responses with these marks misses.
func (s *shelf) invalidate(ctx context.Context, keys []string) error {
	var problems []error
	for _, key := range keys {
		if err := s.cache.Set(ctx, key, encodeMark(newNonce(), time.Now()), markLife); err != nil {
			problems = append(problems, err)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("httpcache: invalidate: %w", err)
	}
	return nil
}
