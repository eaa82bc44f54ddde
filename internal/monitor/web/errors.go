package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
)

// problem is a page that says what is wrong.
type problem struct {
	Status      int
	Title, Text string
}

// fail says an error in words.
func (s *Web) fail(w http.ResponseWriter, r *http.Request, err error) {
	var forbidden *access.ForbiddenError
	var invalid *access.InvalidError
	var limited *access.LimitedError
	var busy *service.BusyError
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, access.ErrNobody):
		s.askIn(w, r)
	case errors.As(err, &forbidden):
		s.problem(w, r, http.StatusForbidden, "You may not do that", "Your role does not allow it: "+forbidden.Error()+". An admin can give you another role under Settings.")
	case errors.As(err, &invalid):
		s.problem(w, r, http.StatusUnprocessableEntity, "That cannot be taken", invalid.Error())
	case errors.As(err, &limited):
		retryAfter(w, limited.After)
		s.problem(w, r, http.StatusTooManyRequests, "Too many attempts", limited.Error())
	case errors.As(err, &busy):
		retryAfter(w, busy.After)
		s.problem(w, r, http.StatusServiceUnavailable, "Too much is under way", busy.Error())
	case errors.As(err, &large):
		s.problem(w, r, http.StatusRequestEntityTooLarge, "That is too large", "At most "+number(int(large.Limit>>20))+" MB can be sent here. Nothing was kept.")
	case errors.Is(err, monitor.ErrNotFound):
		s.problem(w, r, http.StatusNotFound, "There is nothing here", "What this address led to is not there: it may have been removed.")
	case errors.Is(err, monitor.ErrReadOnly):
		s.problem(w, r, http.StatusForbidden, "That is decided elsewhere", "It comes from the configuration or another source, and can only be changed there.")
	case errors.Is(err, monitor.ErrExists), errors.Is(err, monitor.ErrLastAdmin), errors.Is(err, monitor.ErrChanged), errors.Is(err, access.ErrSetUp):
		s.problem(w, r, http.StatusConflict, "That cannot be done", err.Error()+".")
	case errors.Is(err, access.ErrSetUpToken):
		s.problem(w, r, http.StatusForbidden, "The token is missing", err.Error()+".")
	case errors.Is(err, monitor.ErrCursor), errors.Is(err, monitor.ErrSort):
		s.problem(w, r, http.StatusBadRequest, "This place of the list is gone", "Go back to the beginning of the list.")
	case errors.Is(err, context.Canceled):
		w.WriteHeader(http.StatusServiceUnavailable) // nobody is there any more
	default:
		s.Log.Error("a page could not be made", "path", r.URL.Path, "err", err)
		s.problem(w, r, http.StatusInternalServerError, "The monitor could not do that", "Its log says why. Nothing that you entered was stored unless a page said so.")
	}
}

func retryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(d/time.Second)+1))
}

func (s *Web) problem(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	if err := s.renderStatus(w, r, status, "problem", problem{status, title, text}); err != nil {
		s.Log.Error("a page could not be made", "path", r.URL.Path, "err", err)
		http.Error(w, title, status)
	}
}
