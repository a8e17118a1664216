// SPDX-License-Identifier: LGPL-3.0-or-later

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.debezium.engine.ChangeEvent;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;

/** Stores each batch of events by one JDBC batch, in one transaction. */
final class Table {
    private static final Map<String, String> OPERATIONS = Map.of("c", "insert", "u", "update", "d", "delete");
    private static final String INSERT = "insert into audit (\"table\", operation, before, after, lsn, committed_at)"
            + " values (?, ?, ?::jsonb, ?::jsonb, ?, ?)";

    private final ObjectMapper mapper = new ObjectMapper();
    private final Progress progress;
    private final Connection connection;
    private final PreparedStatement insert;

    Table(String url, Progress progress) throws SQLException {
        URI address = URI.create(url);
        this.progress = progress;
        // The driver's own way to send many rows as one statement.
        connection = DriverManager.getConnection(
                "jdbc:postgresql://%s:%d%s?user=%s&reWriteBatchedInserts=true"
                        .formatted(address.getHost(), address.getPort(), address.getPath(), address.getUserInfo()));
        connection.setAutoCommit(false);
        insert = connection.prepareStatement(INSERT);
    }

    void store(List<ChangeEvent<String, String>> events) {
        try {
            boolean isEnded = false;
            for (var event : events) {
                JsonNode value = mapper.readTree(event.value());
                String operation = value.path("op").asText();
                if (operation.equals("m")) {
                    continue; // a context, no change
                }
                isEnded |= progress.take(operation, value.path("after").path("owner").asInt());
                add(value, OPERATIONS.get(operation));
            }
            insert.executeBatch();
            connection.commit();
            if (isEnded) {
                progress.sayLast();
            }
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private void add(JsonNode value, String operation) throws SQLException {
        JsonNode source = value.path("source");
        Instant committedAt = Instant.ofEpochMilli(source.path("ts_ms").asLong());
        insert.setString(1, source.path("table").asText());
        insert.setString(2, operation);
        insert.setString(3, document(value.path("before")));
        insert.setString(4, document(value.path("after")));
        insert.setLong(5, source.path("lsn").asLong());
        insert.setObject(6, committedAt.atOffset(ZoneOffset.UTC));
        insert.addBatch();
    }

    private static String document(JsonNode node) {
        return node.isNull() || node.isMissingNode() ? null : node.toString();
    }
}
