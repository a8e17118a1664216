// SPDX-License-Identifier: LGPL-3.0-or-later

import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.ChangeEventFormat;
import io.debezium.engine.format.Json;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Debezium's embedded engine on a slot: it drops each event, or, told a destination, stores it there. What it says on
 * standard output, and what it is told in PEER_*, is described in ../run.py.
 */
public final class Reader {
    private Reader() {}

    public static void main(String[] arguments) throws Exception {
        Progress progress = new Progress(Integer.parseInt(System.getenv().getOrDefault("PEER_CHANGES", "0")));
        String destination = System.getenv("PEER_DESTINATION_URL");
        DebeziumEngine<?> engine = destination == null ? dropping(progress) : storing(progress, destination);
        Thread thread = new Thread(engine);
        thread.setDaemon(true);
        thread.start();
        System.in.readAllBytes(); // until we are told to end
        if (System.getenv("PEER_SEEN") != null) {
            Files.writeString(Path.of(System.getenv("PEER_SEEN")), progress.seen());
        }
        Runtime.getRuntime().halt(0); // its way down is not measured
    }

    /** The least that the engine does: records as they are, without a conversion to text. */
    private static DebeziumEngine<?> dropping(Progress progress) throws IOException {
        return DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
                .using(properties())
                .using(Reader::ended)
                .notifying((events, committer) -> {
                    for (var event : events) {
                        take(event.record(), progress);
                        committer.markProcessed(event);
                    }
                    committer.markBatchFinished();
                })
                .build();
    }

    private static void take(SourceRecord record, Progress progress) {
        Struct value = (Struct) record.value();
        String operation = value.getString("op");
        if (operation.equals("m")) {
            return; // a context, no change
        }
        Struct after = value.getStruct("after");
        if (progress.take(operation, after == null ? 0 : after.getInt32("owner"))) {
            progress.sayLast();
        }
    }

    private static DebeziumEngine<?> storing(Progress progress, String url) throws Exception {
        Table table = new Table(url, progress);
        return DebeziumEngine.create(Json.class)
                .using(properties())
                .using(Reader::ended)
                .notifying((events, committer) -> {
                    table.store(events);
                    for (var event : events) {
                        committer.markProcessed(event);
                    }
                    committer.markBatchFinished();
                })
                .build();
    }

    private static void ended(boolean success, String message, Throwable error) {
        System.err.println("the engine ended: " + message);
        if (error != null) {
            error.printStackTrace();
        }
        Runtime.getRuntime().halt(1);
    }

    /** What its documentation gives for the embedded engine; PEER_PROPERTIES has what a measurement varies. */
    private static Properties properties() throws IOException {
        URI source = URI.create(System.getenv("PEER_SOURCE_URL"));
        Properties properties = new Properties();
        properties.setProperty("name", "peer");
        properties.setProperty("connector.class", "io.debezium.connector.postgresql.PostgresConnector");
        properties.setProperty("offset.storage", "org.apache.kafka.connect.storage.FileOffsetBackingStore");
        properties.setProperty(
                "offset.storage.file.filename", Files.createTempFile("peer", ".offsets").toString());
        properties.setProperty("offset.flush.interval.ms", "60000");
        properties.setProperty("topic.prefix", "peer");
        properties.setProperty("database.hostname", source.getHost());
        properties.setProperty("database.port", String.valueOf(source.getPort()));
        properties.setProperty("database.user", source.getUserInfo());
        properties.setProperty("database.password", "");
        properties.setProperty("database.dbname", source.getPath().substring(1));
        properties.setProperty("plugin.name", "pgoutput");
        properties.setProperty("slot.name", System.getenv("PEER_SLOT"));
        properties.setProperty("publication.name", System.getenv("PEER_PUBLICATION"));
        properties.setProperty("publication.autocreate.mode", "disabled");
        properties.setProperty("snapshot.mode", "no_data");
        properties.setProperty("tombstones.on.delete", "false"); // they are for a log that is compacted
        properties.setProperty("decimal.handling.mode", "string"); // else JSON has numbers in base 64
        properties.setProperty("converter.schemas.enable", "false");
        String varied = System.getenv().getOrDefault("PEER_PROPERTIES", "");
        for (String line : varied.isEmpty() ? new String[0] : varied.split(",")) {
            properties.setProperty(line.split("=")[0], line.split("=")[1]);
        }
        return properties;
    }
}
