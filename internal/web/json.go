package web

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// DecodeJSON reads the request's body into dst, a pointer to a struct as a rule, and accepts only what dst expects:
//
//   - one JSON value in UTF-8, at most 64 levels deep, and nothing after it; no empty body
//   - Content-Type application/json or any type that ends in +json, in no other charset and no Content-Encoding: else a 415
//   - members that dst has, each once, their names in exactly the case of dst's: encoding/json alone takes "Name" for "name"
//   - values of the types that dst has; null only where dst has a pointer, a map, a slice, an interface or a type that
//     decodes itself. encoding/json alone takes a null for a zero
//
// The error is for the handler to return, as it is or wrapped: a [*Problem] of 400 where the body is no such JSON, of 422 with
// the path of the field where a value does not fit ("lines[2].price"); what becomes a 413 where the body is longer than
// Options.MaxBodyBytes, a 400 where it broke off, and a 408 where it came too slowly. dst may have been changed in part; it
// must be a non-nil pointer. The whole body is held in memory: without a MaxBodyBytes there is no limit.
func DecodeJSON(c echo.Context, dst any) error {
	r := c.Request()
	if !isJSON(r.Header.Get(echo.HeaderContentType)) {
		return NewProblem(http.StatusUnsupportedMediaType, "The body must be of type application/json.")
	}
	if coding := r.Header.Get(echo.HeaderContentEncoding); coding != "" && !strings.EqualFold(coding, "identity") {
		return NewProblem(http.StatusUnsupportedMediaType, "The body must not have a Content-Encoding.")
	}
	return decodeBody(r, dst)
}

func isJSON(contentType string) bool {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return false
	}
	return mediaType == echo.MIMEApplicationJSON || strings.HasSuffix(mediaType, "+json")
}

func decodeBody(r *http.Request, dst any) error {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		_, tooLong := errors.AsType[*http.MaxBytesError](err)
		_, problem := errors.AsType[*Problem](err)
		if tooLong || problem {
			return err
		}
		// From a body that middleware has put in the place of ours.
		return NewProblem(http.StatusBadRequest, "The body could not be read to its end.")
	}
	return decode(data, dst)
}

// decode is DecodeJSON for a body that has been read.
func decode(data []byte, dst any) error {
	if !utf8.Valid(data) {
		return NewProblem(http.StatusBadRequest, "The body is not valid UTF-8.")
	}
	if !json.Valid(data) {
		return syntaxProblem(data)
	}
	s := shape{data: data}
	if err := s.value(reflect.TypeOf(dst).Elem(), 0); err != nil {
		return err
	}
	if err := json.Unmarshal(data, dst); err != nil {
		// What shape leaves to it: base64, numbers in strings, keys of maps.
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
			return fieldProblem(wrong.Field, "has the wrong form")
		}
		return NewProblem(http.StatusUnprocessableEntity, "A value in the body has the wrong form.")
	}
	return nil
}

// syntaxProblem says where data stops being JSON.
func syntaxProblem(data []byte) *Problem {
	if strings.TrimSpace(string(data)) == "" {
		return NewProblem(http.StatusBadRequest, "The body is empty; it must be JSON.")
	}
	var raw json.RawMessage
	syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(data, &raw))
	if !ok {
		return NewProblem(http.StatusBadRequest, "The body is not valid JSON.")
	}
	return NewProblem(http.StatusBadRequest, "The body is not one valid JSON value: see byte "+strconv.FormatInt(syntax.Offset, 10)+".")
}

// fieldProblem is Invalid for a field whose name came from the client. An empty one is the whole body.
func fieldProblem(field, detail string) *Problem {
	const maxField = 128
	if field == "" {
		return NewProblem(http.StatusUnprocessableEntity, "The body "+detail+".")
	}
	if len(field) > maxField {
		field = strings.ToValidUTF8(field[:maxField], "") + "…"
	}
	return Invalid(field, detail)
}

// kindName is what a value for t must be, in the words of JSON.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number of at most " + strconv.Itoa(t.Bits()) + " bits"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return "a whole number of at most " + strconv.Itoa(t.Bits()) + " bits that is not negative"
	case reflect.Float32, reflect.Float64:
		return "a number in range"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "of another type"
}

// serializer makes Context.Bind as strict as DecodeJSON. Echo has looked at the Content-Type before.
type serializer struct{ echo.DefaultJSONSerializer }

func (serializer) Deserialize(c echo.Context, dst any) error { return decodeBody(c.Request(), dst) }
