package api

import (
	"context"
	"net/http"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
)

// ChannelOutput is the answer with one channel.
type ChannelOutput struct {
	ETag string `header:"ETag" doc:"Revision; send it as If-Match with a change"`
	Body service.Channel
}

// ChannelCreated says where the new channel is.
type ChannelCreated struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     service.Channel
}

func channelOutput(c service.Channel) *ChannelOutput {
	o := &ChannelOutput{Body: c}
	if c.Revision != "" {
		o.ETag = `"` + c.Revision + `"`
	}
	return o
}

// ChannelName names a channel in a path.
type ChannelName struct {
	Name string `path:"name" maxLength:"100" doc:"Its name"`
}

// MessageBody is a message with what became of it.
type MessageBody struct {
	Key       string        `json:"key" doc:"Idempotency key"`
	Kind      monitor.Kind  `json:"kind" enum:"opened,escalated,updated,resolved,digest,summary,test"`
	At        time.Time     `json:"at"`
	State     string        `json:"state" enum:"waiting,trying,sent,failed"`
	Items     int           `json:"items" doc:"Incidents that it tells of"`
	Tries     int           `json:"tries"`
	Last      string        `json:"last,omitempty" doc:"What came of the last try"`
	Ambiguous int           `json:"ambiguous,omitempty" doc:"Tries that may have arrived: the answer was lost"`
	Tried     []monitor.Try `json:"tried,omitempty" doc:"What came of the last tries, the oldest first"`
}

func messageBody(m monitor.MessageStatus) MessageBody {
	return MessageBody{Key: m.Key, Kind: m.Kind, At: m.At.UTC(), State: m.State, Items: len(m.Items), Tries: m.Tries, Last: m.Last, Ambiguous: m.Ambiguous, Tried: m.Tried}
}

func (a *API) channels() {
	const tag = "channels"
	type key struct {
		Key string `json:"key" doc:"Idempotency key of the message"`
	}
	register(a, operation(http.MethodGet, "/channels", "list-channels", "List channels", tag, monitor.ScopeRead),
		func(ctx context.Context, _ *struct{}) (*ListOutput[service.Channel], error) {
			all, err := a.Service.ListChannels(ctx)
			return listed(monitor.Page[service.Channel]{Items: all}, false, same[service.Channel]), err
		})
	register(a, answering(operation(http.MethodPost, "/channels", "add-channel", "Make a channel", tag, monitor.ScopeChannels, 409, 422), http.StatusCreated),
		func(ctx context.Context, in *struct {
			Body struct {
				Name string `json:"name" minLength:"1" maxLength:"64" example:"ops-chat"`
				service.ChannelSpec
			}
		}) (*ChannelCreated, error) {
			c, err := a.Service.AddChannel(ctx, in.Body.Name, in.Body.ChannelSpec)
			if err != nil {
				return nil, err
			}
			return &ChannelCreated{ETag: channelOutput(c).ETag, Location: Prefix + "/channels/" + c.Name, Body: c}, nil
		})
	register(a, operation(http.MethodGet, "/channels/{name}", "get-channel", "One channel, without its secrets", tag, monitor.ScopeRead, 404),
		func(ctx context.Context, in *ChannelName) (*ChannelOutput, error) {
			c, err := a.Service.Channel(ctx, in.Name)
			return channelOutput(c), err
		})
	register(a, operation(http.MethodPut, "/channels/{name}", "change-channel", "Replace a channel that was made here; secrets that are left out stay", tag, monitor.ScopeChannels, 400, 404, 409, 412, 422, 428),
		func(ctx context.Context, in *struct {
			ChannelName
			IfMatch string `header:"If-Match" doc:"ETag of what the change was made from, or *"`
			Body    service.ChannelSpec
		}) (*ChannelOutput, error) {
			rev, err := revision(in.IfMatch)
			if err != nil {
				return nil, err
			}
			c, err := a.Service.ChangeChannel(ctx, in.Name, rev, in.Body)
			return channelOutput(c), err
		})
	register(a, operation(http.MethodDelete, "/channels/{name}", "remove-channel", "Remove a channel that was made here; what waits for it is given up", tag, monitor.ScopeChannels, 400, 404, 412),
		func(ctx context.Context, in *struct {
			ChannelName
			IfMatch string `header:"If-Match" default:"*" doc:"ETag of what was read; * removes whatever is there"`
		}) (*struct{}, error) {
			rev, err := revision(in.IfMatch)
			if err != nil {
				return nil, err
			}
			return nil, a.Service.RemoveChannel(ctx, in.Name, rev)
		})
	register(a, answering(operation(http.MethodPost, "/channels/{name}/test", "test-channel", "Send a test message; the answer comes before the delivery, whose end is among the channel's messages", tag, monitor.ScopeChannels, 404, 422), http.StatusAccepted),
		func(ctx context.Context, in *ChannelName) (*Output[key], error) {
			k, err := a.Service.TestChannel(ctx, in.Name)
			return &Output[key]{key{k}}, err
		})
	register(a, operation(http.MethodGet, "/channels/{name}/messages", "list-messages", "The last messages of a channel, the newest first", tag, monitor.ScopeRead, 404, 422),
		func(ctx context.Context, in *struct {
			ChannelName
			Limit int `query:"limit" minimum:"1" maximum:"100" default:"20"`
		}) (*ListOutput[MessageBody], error) {
			if _, err := a.Service.Channel(ctx, in.Name); err != nil {
				return nil, err
			}
			ms, err := a.Service.Messages(ctx, in.Name, in.Limit)
			return listed(monitor.Page[monitor.MessageStatus]{Items: ms}, false, messageBody), err
		})
}
