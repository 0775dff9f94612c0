package items

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// settle makes the directory's last change old, as waiting would.
func settle(t *testing.T, dir string) {
	t.Helper()
	old := time.Now().Add(-2 * settleTime)
	if err := os.Chtimes(dir, old, old); err != nil {
		t.Fatal(err)
	}
}

// sneak changes a file so that nothing tells its versions apart: only the cache can still know the old content.
func sneak(t *testing.T, path, content string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if int(info.Size()) != len(content) {
		t.Fatalf("%q must have the %d bytes of the old content", content, info.Size())
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

func TestReadsGoThroughTheCache(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	tea := p.create(`{"name":"Tea","price":450}`)
	settle(t, dir)
	p.get(tea.ID)
	p.list("")
	sneak(t, dir+"/"+tea.ID+extension, `{"id":"`+tea.ID+`","name":"Tea","price":999}`)
	equal(t, "the item, from the cache", p.get(tea.ID), tea)
	equal(t, "the list, from the cache", p.list(""), []Item{tea})

	if err := p.cache.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	changed := Item{ID: tea.ID, Name: "Tea", Price: 999}
	equal(t, "the item, from the file", p.get(tea.ID), changed)
	equal(t, "the list, from the file", p.list(""), []Item{changed})
}

func TestCacheOperationsOfARequest(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	tea := p.create(`{"name":"Tea","price":450}`)
	target, key := "/api/v1/items/"+tea.ID, "item:"+tea.ID
	equal(t, "POST", p.store.since(), []string{"delete items"})
	for _, c := range []struct {
		name, method, target, body string
		want                       []string
	}{
		{"a list that has not settled is not stored", http.MethodGet, "/api/v1/items", "", nil},
		{"the first GET stores", http.MethodGet, target, "", []string{"get " + key, "get " + key, "set " + key}},
		{"the second GET is a hit", http.MethodGet, target, "", []string{"get " + key}},
		{"a PUT invalidates the item and the list", http.MethodPut, target, `{"name":"a","price":1}`, []string{"delete " + key, "delete items"}},
		{"a refused PUT does nothing", http.MethodPut, target, `{}`, nil},
		{"a DELETE invalidates the item and the list", http.MethodDelete, target, "", []string{"delete " + key, "delete items"}},
		{"an unknown item asks no cache", http.MethodGet, target, "", nil},
	} {
		if c.method == http.MethodGet && c.target != target {
			now := time.Now().Add(time.Hour) // a clock that was set back since
			if err := os.Chtimes(dir, now, now); err != nil {
				t.Fatal(err)
			}
		}
		p.do(c.method, c.target, c.body)
		equal(t, c.name, p.store.since(), c.want)
	}
	settle(t, dir)
	p.list("")
	equal(t, "a list that has settled is stored", p.store.since(), []string{"get items", "get items", "set items"})
	p.list("")
	equal(t, "the second list is a hit", p.store.since(), []string{"get items"})
}

func TestAListServesTheShorterOnes(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	for i := range 4 {
		p.create(fmt.Sprintf(`{"name":"item %d","price":%d}`, i, i))
	}
	settle(t, dir)
	all := p.list("?limit=4")
	p.store.since()
	for _, c := range []struct {
		name, query string
		want        int
		stored      bool
	}{
		{"a shorter one", "?limit=3", 3, false},
		{"the same", "?limit=4", 4, false},
		{"a longer one, as there might be more", "?limit=5", 4, true},
		{"the longest, as there are no more", "", 4, false},
	} {
		equal(t, c.name, p.list(c.query), all[:c.want])
		equal(t, c.name+": stored", len(p.store.since()) > 1, c.stored)
	}
}

func TestAnEntryThatIsNotOfTheFileIsAMiss(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	tea := p.create(`{"name":"Tea","price":450}`)
	settle(t, dir)
	for name, entry := range map[string]string{
		"nothing":                 "",
		"not JSON":                "\x00\xff{",
		"null":                    "null",
		"an item without version": `{"id":"x","name":"Coffee","price":1}`,
		"another version":         `{"version":{"modified":1,"size":2},"value":{"id":"x","name":"Coffee","price":1}}`,
		"a value of another type": `{"version":{"modified":1,"size":2},"value":"Coffee"}`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, key := range []string{"item:" + tea.ID, "items"} {
				if err := p.cache.Set(t.Context(), key, []byte(entry), cache.DefaultTTL); err != nil {
					t.Fatal(err)
				}
			}
			equal(t, "item", p.get(tea.ID), tea)
			equal(t, "list", p.list(""), []Item{tea})
		})
	}
}

func TestACacheThatIsDownIsNobodysProblem(t *testing.T) {
	for name, breakIt := range map[string]func(*process){
		"it fails":     func(p *process) { p.store.setDown(true) },
		"there's none": func(p *process) { p.cache = nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p := start(t, dir)
			tea := p.create(`{"name":"Tea","price":450}`)
			settle(t, dir)
			p.list("")
			p.get(tea.ID)
			breakIt(p)

			cup := p.create(`{"name":"Cup","price":900}`)
			settle(t, dir)
			equal(t, "list", p.list(""), []Item{tea, cup})
			target := "/api/v1/items/" + tea.ID
			p.expect(http.StatusOK, http.MethodPut, target, `{"name":"Tea","price":500}`)
			tea.Price = 500
			equal(t, "item", p.get(tea.ID), tea)
			p.expect(http.StatusNoContent, http.MethodDelete, target, "")
			p.expect(http.StatusNotFound, http.MethodGet, target, "")
			equal(t, "list", p.list(""), []Item{cup})
		})
	}
}

func TestAWriteDuringAnOutageIsSeenAfterIt(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	tea := p.create(`{"name":"Tea","price":450}`)
	settle(t, dir)
	p.list("")
	p.get(tea.ID)

	p.store.setDown(true)
	p.expect(http.StatusOK, http.MethodPut, "/api/v1/items/"+tea.ID, `{"name":"Tea","price":500}`)
	p.store.setDown(false)
	tea.Price = 500
	equal(t, "item", p.get(tea.ID), tea)
	equal(t, "list", p.list(""), []Item{tea})
}

func TestAClientThatLeavesDoesNotStopTheInvalidation(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	tea := p.create(`{"name":"Tea","price":450}`)
	p.get(tea.ID)
	p.store.since()
	ctx, leave := context.WithCancel(t.Context())
	p.store.before = leave // after the write, before the entries go
	p.send(httptest.NewRequestWithContext(ctx, http.MethodDelete, "/api/v1/items/"+tea.ID, nil))
	equal(t, "operations", p.store.since(), []string{"delete item:" + tea.ID, "delete items"})
	if found, err := p.store.Store.Exists(t.Context(), "item:"+tea.ID); found || err != nil {
		t.Errorf("the entry is there: %t, %v", found, err)
	}
}
