package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type base struct {
	ID string `json:"id"`
}

type line struct {
	Price int64 `json:"price"`
}

// order has one field of each sort that decoding treats on its own.
type order struct {
	base
	*Note
	Name     string            `json:"name"`
	Price    int64             `json:"price"`
	Small    int8              `json:"small"`
	Count    uint16            `json:"count"`
	Weight   float32           `json:"weight"`
	Paid     bool              `json:"paid"`
	Optional *int              `json:"optional"`
	Lines    []line            `json:"lines"`
	Labels   map[string]string `json:"labels"`
	Any      any               `json:"any"`
	When     time.Time         `json:"when"`
	Raw      json.RawMessage   `json:"raw"`
	Data     []byte            `json:"data"`
	Text     int               `json:"text,string"`
	Untagged string
	Hidden   string `json:"-"`
	private  string //nolint:unused // it must not be known to clients
}

type Note struct {
	*Note         // for ever
	Remark string `json:"remark"`
}

func TestDecodeJSONTakesWhatFits(t *testing.T) {
	const body = ` {"id":"7","remark":"r","name":"a\"é😀","price":-9223372036854775808,"small":-128,"count":65535,"weight":1.5e3,"paid":true,
		"optional":null,"lines":[{"price":1},{}],"labels":{"A":"x","a":"y"},"any":[{"Name":null}],"when":"2026-01-02T03:04:05Z",
		"raw":{"x":[1]},"data":"aGk=","text":"12","Untagged":"u"} ` + "\n"
	want := order{
		base: base{"7"}, Note: &Note{Remark: "r"}, Name: "a\"é😀", Price: -1 << 63, Small: -128, Count: 65535, Weight: 1500, Paid: true,
		Lines: []line{{1}, {0}}, Labels: map[string]string{"A": "x", "a": "y"}, Any: []any{map[string]any{"Name": nil}},
		When: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Raw: json.RawMessage(`{"x":[1]}`), Data: []byte("hi"), Text: 12, Untagged: "u",
	}
	for _, contentType := range []string{"application/json", "application/json; charset=UTF-8", "application/merge-patch+json", "Application/JSON"} {
		var got order
		if err := decodeAs(t, contentType, body, &got); err != nil {
			t.Fatalf("%s: %v", contentType, err)
		}
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s: decoded %+v, want %+v", contentType, got, want)
		}
	}
}

func TestDecodeJSONTakes64Levels(t *testing.T) {
	if err := decode([]byte(`{"any":`+strings.Repeat("[", 63)+`1`+strings.Repeat("]", 63)+`}`), new(order)); err != nil {
		t.Error(err)
	}
}

func decodeAs(t *testing.T, contentType, body string, dst any, header ...string) error {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return DecodeJSON(New(Options{}).NewContext(r, httptest.NewRecorder()), dst)
}

func TestDecodeJSONRefusesTheRestAndNamesTheField(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		field      string
		detail     string
	}{
		{"an empty body", "", 400, "", "The body is empty; it must be JSON."},
		{"a blank one", " \n", 400, "", "The body is empty; it must be JSON."},
		{"half a body", `{"name":"x"`, 400, "", "The body is not one valid JSON value: see byte 11."},
		{"a second value", `{} {}`, 400, "", "The body is not one valid JSON value: see byte 4."},
		{"a comma too many", `{"name":"x",}`, 400, "", "The body is not one valid JSON value: see byte 13."},
		{"NaN", `{"weight":NaN}`, 400, "", "The body is not one valid JSON value: see byte 11."},
		{"bytes that are not UTF-8", "{\"name\":\"\xff\"}", 400, "", "The body is not valid UTF-8."},
		{"a byte order mark", "\ufeff{}", 400, "", "The body is not one valid JSON value: see byte 1."},
		{"65 levels", `{"any":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, 400, "", "The body is nested more than 64 levels deep."},
		{"a hundred thousand levels", strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000), 400, "", "The body is not one valid JSON value: see byte 50001."},

		{"an array for the object", `[]`, 422, "", "The body must be an object."},
		{"null for the object", `null`, 422, "", "The body must be an object, not null."},
		{"a string for the object", `"x"`, 422, "", "The body must be an object."},

		{"an unknown field", `{"colour":1}`, 422, "colour", "is not known"},
		{"an unknown field in an array", `{"lines":[{},{"cost":1}]}`, 422, "lines[1].cost", "is not known"},
		{"a name in another case", `{"Name":"x"}`, 422, "Name", "is not known"},
		{"a name with a letter that folds to ours", `{"ſmall":1}`, 422, "ſmall", "is not known"},
		{"a field without a tag in another case", `{"untagged":"x"}`, 422, "untagged", "is not known"},
		{"a field that JSON leaves out", `{"Hidden":"x"}`, 422, "Hidden", "is not known"},
		{"by its tag either", `{"-":"x"}`, 422, "-", "is not known"},
		{"a field that is not exported", `{"private":"x"}`, 422, "private", "is not known"},
		{"an unknown field with an empty name", `{"":1}`, 422, `""`, "is not known"},
		{"even where its value fits a field that JSON leaves out", `{"":"x"}`, 422, `""`, "is not known"},
		{"the name of an embedded struct", `{"base":{}}`, 422, "base", "is not known"},

		{"a name given twice", `{"name":"a","name":"b"}`, 422, "name", "is given twice"},
		{"also spelled differently", `{"name":"a","n\u0061me":"b"}`, 422, "name", "is given twice"},
		{"also in a map", `{"labels":{"a":"1","a":"2"}}`, 422, "labels.a", "is given twice"},
		{"also where anything goes", `{"any":[{"a":1,"a":2}]}`, 422, "any[0].a", "is given twice"},
		{"also in raw JSON", `{"raw":{"a":1,"a":2}}`, 422, "raw.a", "is given twice"},
		{"an empty name given twice", `{"any":{"":1,"":2}}`, 422, `any.""`, "is given twice"},

		{"a string for a number", `{"price":"1"}`, 422, "price", "must be a whole number of at most 64 bits"},
		{"a fraction for a whole number", `{"price":1.5}`, 422, "price", "must be a whole number of at most 64 bits"},
		{"an exponent for a whole number", `{"price":1e2}`, 422, "price", "must be a whole number of at most 64 bits"},
		{"past int64", `{"price":9223372036854775808}`, 422, "price", "must be a whole number of at most 64 bits"},
		{"past int8", `{"small":128}`, 422, "small", "must be a whole number of at most 8 bits"},
		{"a negative for a count", `{"count":-1}`, 422, "count", "must be a whole number of at most 16 bits that is not negative"},
		{"past float32", `{"weight":1e39}`, 422, "weight", "must be a number in range"},
		{"a number for a string", `{"name":1}`, 422, "name", "must be a string"},
		{"an object for a string", `{"name":{}}`, 422, "name", "must be a string"},
		{"a number for true or false", `{"paid":1}`, 422, "paid", "must be true or false"},
		{"true for a number", `{"price":true}`, 422, "price", "must be a whole number of at most 64 bits"},
		{"an object for an array", `{"lines":{}}`, 422, "lines", "must be an array"},
		{"an array for a map", `{"labels":[]}`, 422, "labels", "must be an object"},
		{"a wrong type deep inside", `{"lines":[{"price":1},{"price":"x"}]}`, 422, "lines[1].price", "must be a whole number of at most 64 bits"},
		{"null for a number", `{"price":null}`, 422, "price", "must be a whole number of at most 64 bits, not null"},
		{"null for a string", `{"name":null}`, 422, "name", "must be a string, not null"},
		{"a wrong type behind a pointer", `{"optional":"x"}`, 422, "optional", "must be a whole number of at most 64 bits"},
		{"what a type of its own refuses", `{"when":"yesterday"}`, 422, "when", "has the wrong form"},
		{"text that is not base64", `{"data":"?"}`, 422, "", "A value in the body has the wrong form."},
		{"a number in a string that is none", `{"text":"x"}`, 422, "", "A value in the body has the wrong form."},
		{"a name of a kilobyte is cut", `{"` + strings.Repeat("x", 1024) + `":1}`, 422, strings.Repeat("x", 128) + "…", "is not known"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := decodeAs(t, "application/json", tt.body, new(order))
			p, ok := errors.AsType[*Problem](err)
			if !ok {
				t.Fatalf("got %v, want a problem", err)
			}
			want := &Problem{Status: tt.status, Detail: tt.detail}
			if tt.field != "" {
				want.Detail = tt.field + " " + tt.detail + "."
				want.Errors = []FieldError{{tt.field, tt.detail}}
			}
			if diff := cmp.Diff(want, p); diff != "" {
				t.Errorf("problem (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeJSONTakesNoOtherType(t *testing.T) {
	for name, header := range map[string][]string{
		"no type": {""}, "a form": {"application/x-www-form-urlencoded"}, "text": {"text/plain"}, "nonsense": {"///"}, "jsonp": {"application/jsonp"},
		"another charset": {"application/json; charset=latin1"}, "a compressed body": {"application/json", "Content-Encoding", "gzip"},
	} {
		err := decodeAs(t, header[0], "{}", new(order), header[1:]...)
		if p, ok := errors.AsType[*Problem](err); !ok || p.Status != 415 {
			t.Errorf("%s: %v, want a 415", name, err)
		}
	}
}

// FuzzDecodeJSON holds decode to what encoding/json says: nothing is taken that it refuses, what is taken means the same,
// and what is refused is a problem with a client error.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"name":"x","price":1,"lines":[{"price":2}],"any":{"a":[1,"b",null,true]}}`, `{"name":"\ud800"}`, `{"Name":""}`,
		`{"labels":{"a":"b"},"when":"2026-01-02T03:04:05Z","raw":[ ],"text":"1"}`, `[[[]]]`, `{"a":1,"a":2}`, `{"":"x"}`, `{"":{}}`, "{\"name\" :\t\"\\\"\\\\\"\r\n}", `{"optional":-0}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, want order
		err := decode(data, &got)
		if err != nil {
			p, ok := errors.AsType[*Problem](err)
			if !ok || p.Status != 400 && p.Status != 422 || p.Detail == "" {
				t.Errorf("%q: %#v, want a problem of 400 or 422 with a detail", data, err)
			}
			return
		}
		strict := json.NewDecoder(bytes.NewReader(data))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&want); err != nil {
			t.Errorf("%q is taken, but encoding/json says %v", data, err)
		}
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%q means %+v, taken as %+v", data, want, got)
		}
		var anything any
		if err := decode(data, &anything); err != nil {
			t.Errorf("%q fits a struct, but not any: %v", data, err)
		}
	})
}
