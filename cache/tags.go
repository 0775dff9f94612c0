package cache

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"
)

// maxTags is how many tags an entry may have.
const maxTags = 64

// markerKeys are the keys of the markers of the tags.
func (c *Cache) markerKeys(tags []string) []string {
	var ks []string
	if len(tags) > 0 {
		scopes := c.scopes()
		for _, name := range tags {
			for _, k := range markerKeys(scopes, name) {
				ks = append(ks, k)
			}
		}
	}
	return ks
}

// readMarkers adds the markers of the tags of all to those that are known, where nil is one that is not there.
func (c *Cache) readMarkers(ctx context.Context, all []stored, known map[string][]byte) error {
	var ks []string
	scopes := c.scopes()
	for _, s := range all {
		for _, t := range s.frame.tags {
			for _, k := range markerKeys(scopes, t.name) {
				if _, ok := known[k]; !ok {
					known[k] = nil
					ks = append(ks, k)
				}
			}
		}
	}
	if len(ks) == 0 {
		return nil
	}
	found, err := c.rawMany(ctx, ks)
	maps.Copy(known, found)
	return err
}

// compare makes an entry absent of whose tags one has been invalidated.
func (s *stored) compare(scopes []string, markers map[string][]byte) {
	s.markers = markers
	for _, t := range s.frame.tags {
		if len(t.versions) != len(scopes) {
			s.standing = absent
			return
		}
		for level, k := range markerKeys(scopes, t.name) {
			if v := versionOf(markers[k]); v == 0 || v != t.versions[level] {
				s.standing = absent
				return
			}
		}
	}
}

// tagged returns the tags with the numbers of their markers, of which those are there. They are made where they are missing, and live at least as long as is needed.
func (c *Cache) tagged(ctx context.Context, names []string, markers map[string][]byte, needed time.Duration) ([]tag, error) {
	if len(names) == 0 {
		return nil, nil
	}
	tags, scopes := make([]tag, len(names)), c.scopes()
	errs := make([]error, len(names)*len(scopes))
	for i, name := range names {
		tags[i] = tag{name: name, versions: make([]uint64, len(scopes))}
	}
	parallel(len(errs), func(n int) {
		i, level := n/len(scopes), n%len(scopes)
		k := markerKey(scopes[level], names[i])
		tags[i].versions[level], errs[n] = c.marked(ctx, k, markers[k], needed)
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return tags, nil
}

// prolong makes the markers of a fresh entry that gets another lifetime live at least as long. The entry becomes absent where one of its tags has been invalidated meanwhile.
func (c *Cache) prolong(ctx context.Context, s *stored, ttl time.Duration) error {
	if s.standing != fresh || len(s.frame.tags) == 0 {
		return nil
	}
	if c.adder == nil || c.swapper == nil {
		return c.unsupported("Adder and Swapper")
	}
	needed := Forever
	if ttl < maxLife {
		needed = ttl + time.Duration(max(s.frame.staleFor, s.frame.staleIfError))
	}
	scopes := c.scopes()
	for _, t := range s.frame.tags {
		for level, k := range markerKeys(scopes, t.name) {
			v, err := c.marked(ctx, k, s.markers[k], needed)
			if err != nil {
				return err
			}
			if v != t.versions[level] {
				s.standing = absent
			}
		}
	}
	return nil
}

// rawMany returns what is stored under the store's keys.
func (c *Cache) rawMany(ctx context.Context, ks []string) (map[string][]byte, error) {
	if c.batcher != nil && len(ks) > 1 {
		return c.batcher.GetMany(ctx, ks)
	}
	items := make(map[string][]byte, len(ks))
	for _, k := range ks {
		value, found, err := c.store.Get(ctx, k)
		if err != nil {
			return nil, err
		}
		if found {
			items[k] = value
		}
	}
	return items, nil
}

// InvalidateTags makes every entry that [GetOrLoad] stored with one of the tags, in this namespace or in one in it, a miss: through all methods and in all processes, in one
// step for each tag, and whether the entry is read or being loaded at that moment. It lists no keys: it deletes one entry for each tag, the marker
// without which the tag's entries count for nothing.
//
// A tag is 1 byte to 1 KiB of any content; another is an error, and nothing is invalidated. After an error some of the tags may have been; in this process, with the stores here, all
// of them have. A nil cache has none. A store that is no [Adder] and [Swapper] has no tags, which is [errors.ErrUnsupported].
func (c *Cache) InvalidateTags(ctx context.Context, tags ...string) error {
	if c == nil {
		return nil
	}
	start := c.now()
	err := opError("invalidate tags", strings.Join(tags, ","), c.invalidateTags(ctx, tags))
	c.emit("invalidate tags", start, ResultOK, err)
	return err
}

func (c *Cache) invalidateTags(ctx context.Context, tags []string) error {
	ks := make([]string, len(tags)) // of the markers of this level
	for i, name := range tags {
		if err := checkTag(name); err != nil {
			return err
		}
		ks[i] = markerKey(c.prefix, name)
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	if c.adder == nil || c.swapper == nil {
		return c.unsupported("Adder and Swapper")
	}
	if len(ks) == 0 {
		return nil
	}
	// What is being stored was loaded under the numbers before, so nobody has to wait for it; but nobody else is to wait for such a load.
	c.flights.ofOther.Add(1)
	defer c.flights.ofOther.Add(-1)
	c.flights.overruleMatching(taggedWith(ks))
	err := c.deleteEach(ctx, ks)
	c.flights.overruleMatching(taggedWith(ks))
	return err
}

func checkTag(name string) error {
	if name == "" || len(name) > MaxKeyLen {
		return fmt.Errorf("%w: the tag %s has %d bytes; allowed: 1 to %d", ErrInvalidKey, quoteKey(name), len(name), MaxKeyLen)
	}
	return nil
}
