-- One row for each tag of each cost event. A tag's value is text here, whatever it was in the request.

CREATE VIEW cost_tags AS
SELECT event_id, tag, json_extract_string(tags_json, '/' || replace(replace(tag, '~', '~0'), '/', '~1')) AS value
FROM (SELECT event_id, tags_json, unnest(json_keys(tags_json)) AS tag FROM costs) AS tagged;
