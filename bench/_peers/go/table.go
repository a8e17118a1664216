// SPDX-License-Identifier: LGPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"
)

var columns = []string{"table", "operation", "before", "after", "lsn", "committed_at"}

// table stores each batch with one COPY, which is one transaction.
func table(ctx context.Context, url string, progress *Progress) (sink, error) {
	connection, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	return func(changes []*Change) error {
		rows := make([][]any, 0, len(changes))
		ended := false
		for _, change := range changes {
			progress.take(change)
			ended = ended || progress.isLast(change)
			before, err := document(change.Before)
			if err != nil {
				return err
			}
			after, err := document(change.After)
			if err != nil {
				return err
			}
			rows = append(rows, []any{
				change.Table, change.Operation, before, after, int64(change.LSN), change.CommittedAt,
			})
		}
		if _, err := connection.CopyFrom(ctx, pgx.Identifier{"audit"}, columns, pgx.CopyFromRows(rows)); err != nil {
			return err
		}
		if ended {
			progress.sayLast()
		}
		return nil
	}, nil
}

func document(values map[string]any) (any, error) {
	if values == nil {
		return nil, nil
	}
	text, err := json.Marshal(values)
	return json.RawMessage(text), err
}
