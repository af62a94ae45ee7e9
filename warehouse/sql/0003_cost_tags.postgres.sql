-- One row for each tag of each cost event. A tag's value is text here, whatever it was in the request.

CREATE VIEW cost_tags AS
SELECT costs.event_id, tagged.key AS tag, tagged.value AS value
FROM costs CROSS JOIN LATERAL json_each_text(costs.tags_json::json) AS tagged;
