package items

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestTheLifeOfAnItem(t *testing.T) {
	p := start(t, t.TempDir())

	w := p.do(http.MethodPost, "/api/v1/items", `{"name":"Tea","price":450}`)
	tea := answer[Item](t, w, http.StatusCreated)
	equal(t, "created", tea, Item{ID: tea.ID, Name: "Tea", Price: 450})
	equal(t, "Location", w.Header().Get("Location"), "/api/v1/items/"+tea.ID)
	equal(t, "at its Location", answer[Item](t, p.do(http.MethodGet, w.Header().Get("Location"), ""), http.StatusOK), tea)

	green := Item{ID: tea.ID, Name: "Green tea", Price: 500}
	w = p.do(http.MethodPut, "/api/v1/items/"+tea.ID, `{"name":"Green tea","price":500}`)
	equal(t, "replaced", answer[Item](t, w, http.StatusOK), green)
	equal(t, "read", p.get(tea.ID), green)
	equal(t, "listed", p.list(""), []Item{green})

	w = p.do(http.MethodDelete, "/api/v1/items/"+tea.ID, "")
	if w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Errorf("DELETE answered %d %q, want 204 and nothing", w.Code, w.Body)
	}
	p.expect(http.StatusNotFound, http.MethodGet, "/api/v1/items/"+tea.ID, "")
	p.expect(http.StatusNotFound, http.MethodDelete, "/api/v1/items/"+tea.ID, "")
	equal(t, "listed when deleted", p.list(""), []Item{})
}

func TestAnEmptyListIsAnArray(t *testing.T) {
	w := start(t, t.TempDir()).do(http.MethodGet, "/api/v1/items", "")
	equal(t, "body", strings.TrimSpace(w.Body.String()), "[]")
}

func TestBodiesThatAreItems(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want Item
	}{
		"the shortest name and the lowest price":      {`{"name":"a","price":0}`, Item{Name: "a"}},
		"the highest price":                           {`{"name":"a","price":1000000000000}`, Item{Name: "a", Price: 1e12}},
		"200 characters of several bytes each":        {`{"name":"` + strings.Repeat("🫖", 200) + `","price":1}`, Item{Name: strings.Repeat("🫖", 200), Price: 1}},
		"200 characters that JSON writes as six":      {`{"name":"` + strings.Repeat("<", 200) + `","price":1}`, Item{Name: strings.Repeat("<", 200), Price: 1}},
		"a name of quotes, slashes and a right quote": {`{"name":"\"\\/’","price":1}`, Item{Name: `"\/’`, Price: 1}},
		"an id that is null, which is none at all":    {`{"id":null,"name":"a","price":1}`, Item{Name: "a", Price: 1}},
		"members in another order, and white space":   {" {\n\"price\" : 1 , \"name\" : \"a\" } \n", Item{Name: "a", Price: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, t.TempDir())
			item := p.create(c.body)
			c.want.ID = item.ID
			equal(t, "created", item, c.want)
			equal(t, "read", p.get(item.ID), c.want)
			equal(t, "replaced", answer[Item](t, p.do(http.MethodPut, "/api/v1/items/"+item.ID, c.body), http.StatusOK), c.want)
		})
	}
}

func TestBodiesThatAreNoItems(t *testing.T) {
	const other = "00000000000000000000000000000000"
	dir := t.TempDir()
	p := start(t, dir)
	tea := p.create(`{"name":"Tea","price":450}`)
	for name, c := range map[string]struct {
		body   string
		status int    // 0: any 4xx
		field  string // that the answer names
	}{
		"nothing":                             {"", 0, ""},
		"white space":                         {" ", 0, ""},
		"null":                                {"null", 0, ""},
		"an array":                            {`[{"name":"a","price":1}]`, 0, ""},
		"a string":                            {`"a"`, 0, ""},
		"half an object":                      {`{"name":"a","pri`, 0, ""},
		"two objects":                         {`{"name":"a","price":1}{"name":"b","price":2}`, 0, ""},
		"something after the object":          {`{"name":"a","price":1} x`, 0, ""},
		"an object without members":           {`{}`, 422, "name"},
		"no name":                             {`{"price":1}`, 422, "name"},
		"no price":                            {`{"name":"a"}`, 422, "price"},
		"a name that is null":                 {`{"name":null,"price":1}`, 422, "name"},
		"a price that is null":                {`{"name":"a","price":null}`, 422, "price"},
		"an empty name":                       {`{"name":"","price":1}`, 422, "name"},
		"a name of 201 characters":            {`{"name":"` + strings.Repeat("é", 201) + `","price":1}`, 422, "name"},
		"a name with a newline":               {`{"name":"a\nb","price":1}`, 422, "name"},
		"a name with NUL":                     {`{"name":"a\u0000","price":1}`, 422, "name"},
		"a name with DEL":                     {`{"name":"a\u007f","price":1}`, 422, "name"},
		"a name with a C1 control character":  {`{"name":"a\u0085b","price":1}`, 422, "name"},
		"a name that is a number":             {`{"name":1,"price":1}`, 0, "name"},
		"a name that is an object":            {`{"name":{"a":1},"price":1}`, 0, "name"},
		"a name that is not UTF-8":            {"{\"name\":\"a\xff\",\"price\":1}", 0, ""},
		"a negative price":                    {`{"name":"a","price":-1}`, 422, "price"},
		"a price above the highest":           {`{"name":"a","price":1000000000001}`, 422, "price"},
		"a price past int64":                  {`{"name":"a","price":99999999999999999999}`, 0, "price"},
		"a price with a fraction":             {`{"name":"a","price":1.5}`, 0, "price"},
		"a price with an exponent":            {`{"name":"a","price":1e3}`, 0, "price"},
		"a price that is a string":            {`{"name":"a","price":"1"}`, 0, "price"},
		"a price that is true":                {`{"name":"a","price":true}`, 0, "price"},
		"an unknown member":                   {`{"name":"a","price":1,"color":"red"}`, 0, "color"},
		"a member in another case":            {`{"Name":"a","price":1}`, 0, "Name"},
		"a name twice":                        {`{"name":"a","name":"b","price":1}`, 0, "name"},
		"a price twice":                       {`{"name":"a","price":1,"price":1}`, 0, "price"},
		"an id of the client's choice":        {`{"id":"` + other + `","name":"a","price":1}`, 422, "id"},
		"an id that is a number":              {`{"id":7,"name":"a","price":1}`, 0, "id"},
		"an id that is empty":                 {`{"id":"","name":"a","price":1}`, 422, "id"},
		"more than the limit of a body":       {`{"name":"` + strings.Repeat("a", maxBody) + `","price":1}`, 413, ""},
		"white space beyond the body's limit": {`{"name":"a","price":1}` + strings.Repeat(" ", maxBody), 413, ""},
	} {
		for method, target := range map[string]string{http.MethodPost: "/api/v1/items", http.MethodPut: "/api/v1/items/" + tea.ID} {
			t.Run(method+" "+name, func(t *testing.T) {
				r := httptest.NewRequest(method, target, strings.NewReader(c.body))
				r.Header.Set("Content-Type", "application/json")
				w := p.send(r)
				if w.Code < 400 || w.Code > 499 || c.status != 0 && w.Code != c.status {
					t.Errorf("status %d (%s), want %d (0: any 4xx)", w.Code, w.Body, c.status)
				}
				if c.field != "" && !strings.Contains(w.Body.String(), fmt.Sprintf(`"field":%q`, c.field)) {
					t.Errorf("the answer %s does not name %q", w.Body, c.field)
				}
			})
		}
	}
	equal(t, "the items after all that", p.list(""), []Item{tea})
	equal(t, "the files after all that", names(t, dir), []string{lockName, tea.ID + extension})
}

func TestABodyOfAnotherTypeIsRefused(t *testing.T) {
	p := start(t, t.TempDir())
	for name, contentType := range map[string]string{
		"none": "", "plain text": "text/plain", "a form": "application/x-www-form-urlencoded",
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/api/v1/items", strings.NewReader(`{"name":"a","price":1}`))
			r.Header.Set("Content-Type", contentType)
			equal(t, "status", p.send(r).Code, http.StatusUnsupportedMediaType)
		})
	}
}

func TestWhatGETAnsweredCanBePUTBack(t *testing.T) {
	p := start(t, t.TempDir())
	tea := p.create(`{"name":"Tea","price":450}`)
	target := "/api/v1/items/" + tea.ID
	p.expect(http.StatusOK, http.MethodPut, target, p.do(http.MethodGet, target, "").Body.String())
	equal(t, "read", p.get(tea.ID), tea)
}

func TestAnIDThatNoItemHasIsUnknown(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	tea := p.create(`{"name":"Tea","price":450}`)
	if err := os.WriteFile(dir+"/notes.json", []byte(`{"name":"a","price":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	settle(t, dir)
	files := names(t, dir)
	before, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]string{
		"one that was never made":       strings.Repeat("0", idLength),
		"one that is too short":         tea.ID[1:],
		"one that is too long":          tea.ID + "0",
		"one in upper case":             "A" + tea.ID[1:],
		"the name of another file":      "notes",
		"the name with its extension":   tea.ID + ".json",
		"the lock":                      ".lock",
		"a path upwards":                "..%2F" + tea.ID,
		"a path with backslashes":       "..%5C" + tea.ID,
		"a path from the root":          "%2Fetc%2Fpasswd",
		"one with NUL":                  tea.ID[1:] + "%00",
		"one with a newline":            tea.ID[1:] + "%0A",
		"32 characters that aren't hex": strings.Repeat("g", idLength),
	} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			t.Run(method+" "+name, func(t *testing.T) {
				body := ""
				if method == http.MethodPut {
					body = `{"name":"a","price":1}`
				}
				w := p.do(method, "/api/v1/items/"+id, body)
				equal(t, "status", w.Code, http.StatusNotFound)
			})
		}
	}
	equal(t, "the files after all that", names(t, dir), files)
	after, err := os.Stat(dir)
	if err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the directory was written to, so that the cached list is lost (%v)", err)
	}
}

func TestTheOrderOfTheListIsThatOfCreation(t *testing.T) {
	p := start(t, t.TempDir())
	var want []Item
	for i := range 20 {
		want = append(want, p.create(fmt.Sprintf(`{"name":"item %d","price":%d}`, i, i)))
	}
	equal(t, "list", p.list(""), want)
	if !slices.IsSortedFunc(want, func(a, b Item) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("the ids are not in the order of creation")
	}
}

func TestLimit(t *testing.T) {
	p := start(t, t.TempDir())
	for i := range 5 {
		p.create(fmt.Sprintf(`{"name":"item %d","price":%d}`, i, i))
	}
	all := p.list("")
	for name, c := range map[string]struct {
		query string
		want  int // items; 0: refused
	}{
		"the lowest":               {"?limit=1", 1},
		"fewer than there are":     {"?limit=3", 3},
		"more than there are":      {"?limit=6", 5},
		"the highest":              {"?limit=1000", 5},
		"beside another parameter": {"?page=2&limit=3", 3},
		"none":                     {"", 5},
		"zero":                     {"?limit=0", 0},
		"above the highest":        {"?limit=1001", 0},
		"past any integer":         {"?limit=99999999999999999999", 0},
		"negative":                 {"?limit=-1", 0},
		"with a plus sign":         {"?limit=%2B1", 0},
		"a fraction":               {"?limit=1.0", 0},
		"a word":                   {"?limit=all", 0},
		"white space around":       {"?limit=1%20", 0},
		"hexadecimal":              {"?limit=0x1", 0},
		"empty":                    {"?limit=", 0},
		"without a value":          {"?limit", 0},
		"repeated":                 {"?limit=1&limit=1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := p.do(http.MethodGet, "/api/v1/items"+c.query, "")
			if c.want > 0 {
				equal(t, "list", answer[[]Item](t, w, http.StatusOK), all[:c.want])
				return
			}
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"field":"limit"`) {
				t.Errorf("status %d (%s), want 400 and the field limit", w.Code, w.Body)
			}
		})
	}
}

func TestAMalformedQueryIsA400(t *testing.T) {
	p := start(t, t.TempDir())
	for _, query := range []string{"?limit=%zz", "?a;limit=1"} {
		w := p.do(http.MethodGet, "/api/v1/items"+query, "")
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "The query is malformed.") {
			t.Errorf("%s: status %d (%s), want 400 and the query named", query, w.Code, w.Body)
		}
	}
}

func TestATroubledDiskIsA500ThatSaysNothing(t *testing.T) {
	dir := t.TempDir() + "/items"
	p := start(t, dir)
	tea := p.create(`{"name":"Tea","price":450}`)
	// A directory in the file's place can be neither replaced by a file nor, being full, removed.
	path := dir + "/" + tea.ID + extension
	for _, err := range []error{os.Remove(path), os.MkdirAll(path+"/x", 0o700)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		w := p.do(method, "/api/v1/items/"+tea.ID, `{"name":"a","price":1}`)
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), dir) {
			t.Errorf("%s answered %d %s, want a 500 without the path", method, w.Code, w.Body)
		}
	}
	equal(t, "no temporary file stays", names(t, dir), []string{lockName, tea.ID + extension})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	p.expect(http.StatusInternalServerError, http.MethodPost, "/api/v1/items", `{"name":"a","price":1}`)
	p.expect(http.StatusInternalServerError, http.MethodGet, "/api/v1/items", "")
}

// FuzzBodies: whatever the body, the answer is the item that can then be read, or a refusal that leaves nothing behind.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{`{"name":"Tea","price":450}`, `{"name":"","price":-1}`, `{"id":"x"}`, `null`, `{"name":"\ud800","price":0}`, "{\"name\":\"\xff\"}"} {
		f.Add(body)
	}
	dir := f.TempDir()
	server := start(f, dir)
	f.Fuzz(func(t *testing.T, body string) {
		p := *server
		p.t = t
		w := p.do(http.MethodPost, "/api/v1/items", body)
		if w.Code >= 400 && w.Code <= 499 {
			if got := names(t, dir); len(got) != 1 {
				t.Errorf("the refusal of %q left the files %q", body, got)
			}
			return
		}
		item := answer[Item](t, w, http.StatusCreated)
		if n := len([]rune(item.Name)); n < 1 || n > 200 || item.Price < 0 || item.Price > 1e12 {
			t.Errorf("%q made the item %+v", body, item)
		}
		equal(t, "read", p.get(item.ID), item)
		p.expect(http.StatusNoContent, http.MethodDelete, "/api/v1/items/"+item.ID, "")
	})
}
