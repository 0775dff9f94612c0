package items

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/web"
)

const (
	listKey   = "items"
	keyPrefix = "item:"
	maxLimit  = 1000
)

// What is answered of items is one group, of which every change tells (RFC 9875): a cache of whole responses, such as app.CacheResponses,
// then has none of before the change, be it of an item or of a list.
const (
	groupsField  = "Cache-Groups"
	changedField = "Cache-Group-Invalidation"
	itemsGroup   = `"items"`
)

// handlers serve the items over HTTP. An error that is no [web.Problem] becomes a 500 that tells the client nothing, and is
// logged, by the server.
type handlers struct {
	files *files
	ids   *ids
}

// listing is what the cache holds of the list: its first items.
type listing struct {
	Limit int    `json:"limit"` // how many were asked for; fewer items than that are all of them
	Items []Item `json:"items"`
}

func (l listing) covers(limit int) bool { return limit <= l.Limit || len(l.Items) < l.Limit }

func (h handlers) list(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	v, settled, err := h.files.listVersion()
	if err != nil {
		return fmt.Errorf("list the items: %w", err)
	}
	load := func(ctx context.Context) (listing, error) {
		items, err := h.files.list(ctx, limit)
		return listing{Limit: limit, Items: items}, err
	}
	ctx := c.Request().Context()
	var l listing
	if settled {
		l, err = through(ctx, cache.From(c), listKey, v, func(l listing) bool { return l.covers(limit) }, load)
	} else {
		l, err = load(ctx)
	}
	if err != nil {
		return fmt.Errorf("list the items: %w", err)
	}
	c.Response().Header().Set(groupsField, itemsGroup)
	return c.JSON(http.StatusOK, l.Items[:min(limit, len(l.Items))])
}

func (h handlers) create(c echo.Context) error {
	d, err := draftOf(c)
	if err != nil {
		return err
	}
	item, err := d.item(h.ids.next())
	if err != nil {
		return err
	}
	if err := h.files.create(item); err != nil {
		return fmt.Errorf("create an item: %w", err)
	}
	forget(c.Request().Context(), cache.From(c), listKey)
	c.Response().Header().Set(echo.HeaderLocation, c.Path()+"/"+item.ID)
	c.Response().Header().Set(changedField, itemsGroup)
	return c.JSON(http.StatusCreated, item)
}

func (h handlers) get(c echo.Context) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	v, err := h.files.version(id)
	if err != nil {
		return failed("read", err)
	}
	ctx := c.Request().Context()
	item, err := through(ctx, cache.From(c), keyPrefix+id, v, func(Item) bool { return true }, func(context.Context) (Item, error) { return h.files.read(id) })
	if errors.Is(err, errNotItem) {
		slog.WarnContext(ctx, "file ignored", "error", err)
		return unknown()
	}
	if err != nil {
		return failed("read", err)
	}
	c.Response().Header().Set(groupsField, itemsGroup)
	return c.JSON(http.StatusOK, item)
}

func (h handlers) replace(c echo.Context) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	d, err := draftOf(c)
	if err != nil {
		return err
	}
	item, err := d.item(id)
	if err != nil {
		return err
	}
	if err := h.files.replace(c.Request().Context(), item); err != nil {
		return failed("replace", err)
	}
	forget(c.Request().Context(), cache.From(c), keyPrefix+id, listKey)
	c.Response().Header().Set(changedField, itemsGroup)
	return c.JSON(http.StatusOK, item)
}

func (h handlers) remove(c echo.Context) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	if err := h.files.remove(c.Request().Context(), id); err != nil {
		return failed("delete", err)
	}
	forget(c.Request().Context(), cache.From(c), keyPrefix+id, listKey)
	c.Response().Header().Set(changedField, itemsGroup)
	return c.NoContent(http.StatusNoContent)
}

// idOf returns the id in the path. What no item can be called is unknown, like an id that no item has.
func idOf(c echo.Context) (string, error) {
	id := c.Param("id")
	if !validID(id) {
		return "", unknown()
	}
	return id, nil
}

// draftOf returns what the body states.
func draftOf(c echo.Context) (draft, error) {
	var d draft
	err := web.DecodeJSON(c, &d)
	return d, err
}

// limitOf returns the number in ?limit, or the greatest where there is none.
func limitOf(c echo.Context) (int, error) {
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return 0, web.NewProblem(http.StatusBadRequest, "The query is malformed.")
	}
	limits, given := query["limit"]
	if !given {
		return maxLimit, nil
	}
	if len(limits) == 1 {
		if n, err := strconv.ParseUint(limits[0], 10, 16); err == nil && 1 <= n && n <= maxLimit {
			return int(n), nil
		}
	}
	problem := web.Invalid("limit", fmt.Sprintf("must be one number from 1 to %d, or left out", maxLimit))
	problem.Status = http.StatusBadRequest
	return 0, problem
}

func unknown() error { return web.NewProblem(http.StatusNotFound, "No item has this id.") }

// failed is the error of an operation on one item.
func failed(operation string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return unknown()
	}
	return fmt.Errorf("%s an item: %w", operation, err)
}
