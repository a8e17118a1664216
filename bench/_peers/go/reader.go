// SPDX-License-Identifier: LGPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
)

const feedbackEvery = 10 * time.Second

// Reader turns the messages of a slot into changes.
type Reader struct {
	connection  *pgconn.PgConn
	relations   map[uint32]*pglogrepl.RelationMessage
	types       *pgtype.Map
	position    pglogrepl.LSN
	committedAt time.Time
}

func start(ctx context.Context, url, slot, publication string) (*Reader, error) {
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	connection, err := pgconn.Connect(ctx, url+separator+"replication=database")
	if err != nil {
		return nil, err
	}
	err = pglogrepl.StartReplication(ctx, connection, slot, 0, pglogrepl.StartReplicationOptions{
		PluginArgs: []string{"proto_version '1'", "publication_names '" + publication + "'", "messages 'true'"},
	})
	return &Reader{
		connection: connection,
		relations:  map[uint32]*pglogrepl.RelationMessage{},
		types:      pgtype.NewMap(),
	}, err
}

// run reads on one goroutine, and stores on another what has come meanwhile, at once.
func (r *Reader) run(ctx context.Context, into sink) error {
	waiting := make(chan *Change, 8192)
	failed := make(chan error, 1)
	go func() {
		for first := range waiting {
			batch := []*Change{first}
			for len(waiting) > 0 && len(batch) < 8192 {
				batch = append(batch, <-waiting)
			}
			if err := into(batch); err != nil {
				failed <- err
				return
			}
		}
	}()
	next := time.Now().Add(feedbackEvery)
	for {
		if time.Now().After(next) {
			// This is a measurement: nothing is confirmed, so that a slot can be read again.
			if err := pglogrepl.SendStandbyStatusUpdate(ctx, r.connection, pglogrepl.StandbyStatusUpdate{}); err != nil {
				return err
			}
			next = time.Now().Add(feedbackEvery)
		}
		data, err := r.receive(ctx, next)
		if err != nil {
			return err
		}
		change, err := r.decode(data)
		if err != nil {
			return err
		}
		if change != nil {
			select {
			case waiting <- change:
			case err := <-failed:
				return err
			}
		}
	}
}

// receive is nothing where the server had only to tell that it is alive.
func (r *Reader) receive(ctx context.Context, until time.Time) ([]byte, error) {
	limited, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	message, err := r.connection.ReceiveMessage(limited)
	if err != nil {
		if pgconn.Timeout(err) {
			return nil, nil
		}
		return nil, err
	}
	switch message := message.(type) {
	case *pgproto3.ErrorResponse:
		return nil, pgconn.ErrorResponseToPgError(message)
	case *pgproto3.CopyData:
		if message.Data[0] != pglogrepl.XLogDataByteID {
			return nil, nil
		}
		data, err := pglogrepl.ParseXLogData(message.Data[1:])
		r.position = data.WALStart
		return data.WALData, err
	}
	return nil, nil
}

func (r *Reader) decode(data []byte) (*Change, error) {
	if data == nil {
		return nil, nil
	}
	message, err := pglogrepl.Parse(data)
	if err != nil {
		return nil, err
	}
	switch message := message.(type) {
	case *pglogrepl.RelationMessage:
		r.relations[message.RelationID] = message
	case *pglogrepl.BeginMessage:
		r.committedAt = message.CommitTime
	case *pglogrepl.InsertMessage:
		return r.change("insert", message.RelationID, nil, message.Tuple)
	case *pglogrepl.UpdateMessage:
		return r.change("update", message.RelationID, message.OldTuple, message.NewTuple)
	case *pglogrepl.DeleteMessage:
		return r.change("delete", message.RelationID, message.OldTuple, nil)
	}
	return nil, nil
}

func (r *Reader) change(operation string, id uint32, before, after *pglogrepl.TupleData) (*Change, error) {
	relation, known := r.relations[id]
	if !known {
		return nil, fmt.Errorf("the table %d was not described", id)
	}
	change := &Change{
		Table: relation.RelationName, Operation: operation, LSN: uint64(r.position), CommittedAt: r.committedAt,
	}
	var err error
	if change.Before, err = r.values(relation, before); err != nil {
		return nil, err
	}
	change.After, err = r.values(relation, after)
	return change, err
}

func (r *Reader) values(relation *pglogrepl.RelationMessage, tuple *pglogrepl.TupleData) (map[string]any, error) {
	if tuple == nil {
		return nil, nil
	}
	values := make(map[string]any, len(tuple.Columns))
	for n, column := range tuple.Columns {
		if column.DataType != pglogrepl.TupleDataTypeText {
			continue
		}
		described := relation.Columns[n]
		if known, ok := r.types.TypeForOID(described.DataType); ok {
			value, err := known.Codec.DecodeValue(r.types, described.DataType, pgtype.TextFormatCode, column.Data)
			if err != nil {
				return nil, err
			}
			values[described.Name] = value
		} else {
			values[described.Name] = string(column.Data)
		}
	}
	return values, nil
}
