package items

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/internal/wait"
	"github.com/larder-go/larder/settings"
)

func open(t testing.TB, dir string) *files {
	t.Helper()
	f, err := openFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// names returns what is in the directory, in order.
func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// logged returns what is logged from now on until the test ends.
func logged(t *testing.T) *bytes.Buffer {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	return &log
}

func TestItemsSurviveARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "items")
	tea := start(t, dir).create(`{"name":"Tea","price":450}`)
	equal(t, "list", start(t, dir).list(""), []Item{tea})
}

func TestOnlyTheOwnerMayReadWhatIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "items")
	p := start(t, dir)
	tea := p.create(`{"name":"Tea","price":450}`)
	mode := func(path string) fs.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	equal(t, "directory", mode(dir), 0o700)
	equal(t, "file", mode(filepath.Join(dir, tea.ID+".json")), 0o600)
	p.expect(http.StatusOK, http.MethodPut, "/api/v1/items/"+tea.ID, `{"name":"Tea","price":500}`)
	equal(t, "file replaced", mode(filepath.Join(dir, tea.ID+".json")), 0o600)
}

func TestADirectoryThatCannotBeUsedFailsTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"a file": file, "in a file": filepath.Join(file, "items")} {
		t.Run(name, func(t *testing.T) {
			err := Routes(dir)(echo.New())
			problem, ok := errors.AsType[settings.Problem](err)
			if !ok || problem.Var != "APP_ITEMS_PATH" || problem.Value != dir {
				t.Errorf("the error is %v, want a problem of APP_ITEMS_PATH=%s", err, dir)
			}
		})
	}
}

func TestProcessesSeeEachOthersWritesAtOnce(t *testing.T) {
	dir := t.TempDir()
	a, b := start(t, dir), start(t, dir)
	tea := a.create(`{"name":"Tea","price":0}`)
	for i := range 200 {
		equal(t, "list", b.list(""), []Item{tea})
		equal(t, "item", b.get(tea.ID), tea)
		// All prices have four digits: neither the size nor, within a tick, the kernel's time tells the versions apart.
		tea.Price = 1000 + int64(i)
		a.expect(http.StatusOK, http.MethodPut, "/api/v1/items/"+tea.ID, fmt.Sprintf(`{"name":"Tea","price":%d}`, tea.Price))
		a, b = b, a
	}
	equal(t, "item", b.get(tea.ID), tea)
	settle(t, dir)
	equal(t, "list, stored", b.list(""), []Item{tea})
	cup := a.create(`{"name":"Cup","price":900}`)
	equal(t, "list with the new item", b.list(""), []Item{tea, cup})
	settle(t, dir)
	equal(t, "list, stored", b.list(""), []Item{tea, cup})
	a.expect(http.StatusNoContent, http.MethodDelete, "/api/v1/items/"+tea.ID, "")
	equal(t, "list without the deleted item", b.list(""), []Item{cup})
	b.expect(http.StatusNotFound, http.MethodGet, "/api/v1/items/"+tea.ID, "")
}

func TestAVersionIsNeverUsedTwice(t *testing.T) {
	f := open(t, t.TempDir())
	item := Item{ID: new(ids).next(), Name: "Tea", Price: 450}
	if err := f.create(item); err != nil {
		t.Fatal(err)
	}
	// The clock was an hour ahead when the file was written.
	ahead := time.Now().Add(time.Hour)
	if err := os.Chtimes(f.path(item.ID), ahead, ahead); err != nil {
		t.Fatal(err)
	}
	last, err := f.version(item.ID)
	for range 100 {
		if err := errors.Join(err, f.replace(t.Context(), item)); err != nil {
			t.Fatal(err)
		}
		var v version
		if v, err = f.version(item.ID); v.Modified <= last.Modified {
			t.Fatalf("version %d came after %d", v.Modified, last.Modified)
		}
		last = v
	}
}

func TestOneProcessWritesAtATime(t *testing.T) {
	dir := t.TempDir()
	var (
		writing atomic.Int32
		wg      sync.WaitGroup
	)
	for _, f := range []*files{open(t, dir), open(t, dir), open(t, dir)} {
		for range 2 {
			wg.Go(func() {
				for range 200 {
					unlock, err := f.lock(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					if n := writing.Add(1); n != 1 {
						t.Errorf("%d hold the lock", n)
					}
					runtime.Gosched()
					writing.Add(-1)
					unlock()
				}
			})
		}
	}
	wg.Wait()
}

func TestAReplaceAfterARemoveDoesNotBringTheItemBack(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	item := Item{ID: new(ids).next(), Name: "Tea", Price: 450}
	if err := a.create(item); err != nil {
		t.Fatal(err)
	}
	unlock, err := a.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	replaced := make(chan error, 1)
	go func() { replaced <- b.replace(t.Context(), item) }()
	// The replace has found the item and written the new one; it waits for the lock file, with its turn taken.
	wait.Until(t, func() bool { return len(b.turn) == 1 || len(replaced) == 1 })
	if err := os.Remove(a.path(item.ID)); err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := <-replaced; !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the replace gave %v, want that the item is not there", err)
	}
	equal(t, "files", names(t, dir), []string{lockName})
}

func TestNobodyWaitsForTheLockLongerThanItsContext(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	item := Item{ID: new(ids).next(), Name: "Tea", Price: 450}
	if err := a.create(item); err != nil {
		t.Fatal(err)
	}
	unlock, err := a.lock(t.Context()) // as a process that was stopped does
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	for name, f := range map[string]*files{"another process": b, "this process": a} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := f.replace(ctx, item); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("replace in %s: %v, want the context's error", name, err)
		}
		if err := f.remove(ctx, item.ID); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("remove in %s: %v, want the context's error", name, err)
		}
		cancel()
	}
	open(t, dir) // a process that starts does not wait either
	equal(t, "files", names(t, dir), []string{lockName, item.ID + extension})
}

func TestRemovesAndReplacesAtOnce(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	for range 50 {
		item := Item{ID: new(ids).next(), Name: "Tea", Price: 450}
		if err := a.create(item); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, f := range []*files{a, b} {
			wg.Go(func() {
				if err := f.replace(t.Context(), item); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			if err := b.remove(t.Context(), item.ID); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		equal(t, "files", names(t, dir), []string{lockName})
	}
}

func TestReadersSeeWholeItemsOnly(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	item := Item{ID: new(ids).next(), Name: "x", Price: 1}
	if err := a.create(item); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for i, f := range []*files{a, a, b, b} {
		writers.Go(func() {
			for n := range 25 {
				// Names of many lengths, each with the price that is its length.
				length := 1 + (50*i+n)%maxName
				if err := f.replace(t.Context(), Item{ID: item.ID, Name: strings.Repeat("x", length), Price: int64(length)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for {
		got, err := b.read(item.ID)
		if err != nil || int(got.Price) != len(got.Name) {
			t.Fatalf("read %+v, %v", got, err)
		}
		select {
		case <-done:
			equal(t, "files", names(t, dir), []string{lockName, item.ID + extension})
			return
		default:
		}
	}
}

func TestFilesThatAreNoItemsAreIgnored(t *testing.T) {
	id := strings.Repeat("0", idLength)
	other := strings.Repeat("1", idLength)
	for name, c := range map[string]struct {
		file, content string
	}{
		"an empty file":              {id + ".json", ""},
		"half a file":                {id + ".json", `{"id":"` + id + `","na`},
		"another type":               {id + ".json", `[]`},
		"the id of another item":     {id + ".json", `{"id":"` + other + `","name":"a","price":1}`},
		"a price that isn't one":     {id + ".json", `{"id":"` + id + `","name":"a","price":-1}`},
		"more than an item takes":    {id + ".json", `{"id":"` + id + `","name":"a","price":1}` + strings.Repeat(" ", maxFile)},
		"the name of something":      {"notes.txt", "buy tea"},
		"an id without extension":    {id, `{"id":"` + id + `","name":"a","price":1}`},
		"an id that isn't ours":      {"7.json", `{"id":"7","name":"a","price":1}`},
		"an id in upper case":        {strings.Repeat("A", idLength) + ".json", `{"name":"a","price":1}`},
		"a directory (it ends in /)": {id + ".json/", ""},
		"a link (it begins with ->)": {id + ".json", "->"},
	} {
		t.Run(name, func(t *testing.T) {
			log := logged(t)
			dir := t.TempDir()
			p := start(t, dir)
			tea := p.create(`{"name":"Tea","price":450}`)
			path := filepath.Join(dir, c.file)
			var err error
			switch {
			case strings.HasSuffix(c.file, "/"):
				err = os.Mkdir(path, 0o700)
			case c.content == "->":
				err = os.Symlink(tea.ID+extension, path)
			default:
				err = os.WriteFile(path, []byte(c.content), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "list", p.list(""), []Item{tea})
			if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), filepath.Base(path)) {
				t.Errorf("logged %q, want one line that names the file", log)
			}
			p.expect(http.StatusNotFound, http.MethodGet, "/api/v1/items/"+id, "")
			if _, err := os.Lstat(path); err != nil {
				t.Errorf("what is not ours is gone: %v", err)
			}
		})
	}
}

func TestACorruptFileCanBeReplaced(t *testing.T) {
	logged(t)
	dir := t.TempDir()
	p := start(t, dir)
	tea := p.create(`{"name":"Tea","price":450}`)
	if err := os.WriteFile(filepath.Join(dir, tea.ID+extension), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.expect(http.StatusNotFound, http.MethodGet, "/api/v1/items/"+tea.ID, "")
	p.expect(http.StatusOK, http.MethodPut, "/api/v1/items/"+tea.ID, `{"name":"Tea","price":450}`)
	equal(t, "item", p.get(tea.ID), tea)
}

func TestWhatACrashLeftIsRemovedAtTheStart(t *testing.T) {
	log := logged(t)
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{
		".new-young": staleAfter - time.Minute, // another process may be writing it
		".new-old":   staleAfter + time.Minute,
		".other":     staleAfter + time.Minute,
	} {
		path, then := filepath.Join(dir, name), time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, []byte(`{"na`), 0o600), os.Chtimes(path, then, then)); err != nil {
			t.Fatal(err)
		}
	}
	p := start(t, dir)
	equal(t, "files", names(t, dir), []string{lockName, ".new-young", ".other"})
	equal(t, "list", p.list(""), []Item{})
	equal(t, "log", log.String(), "")
}

func TestAListOpensNoMoreFilesThanItsLimit(t *testing.T) {
	log := logged(t)
	dir := t.TempDir()
	p := start(t, dir)
	var want []Item
	for i := range 10 {
		want = append(want, p.create(fmt.Sprintf(`{"name":"item %d","price":%d}`, i, i)))
	}
	// Behind them many that are empty: one that was opened would be logged.
	for i := range 2000 {
		plantEmpty(t, dir, i)
	}
	equal(t, "list", p.list("?limit=10"), want)
	equal(t, "log", log.String(), "")
	p.list("?limit=11")
	if !strings.Contains(log.String(), "files=2000") {
		t.Errorf("logged %q, want that 2000 files were opened for the eleventh item", log)
	}
}

// plantEmpty makes a file that comes after those of all items, and is none.
func plantEmpty(t testing.TB, dir string, i int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%031x.json", i)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkTheFirst100Of100000(b *testing.B) {
	dir := b.TempDir()
	p := start(b, dir)
	for range 100 {
		p.create(`{"name":"Tea","price":450}`)
	}
	for i := range 100_000 - 100 {
		plantEmpty(b, dir, i)
	}
	f := open(b, dir)
	for b.Loop() {
		if items, err := f.list(b.Context(), 100); err != nil || len(items) != 100 {
			b.Fatal(len(items), err)
		}
	}
}
