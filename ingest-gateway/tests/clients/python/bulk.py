"""Sends documents with Elasticsearch's own client: bulk.py URL TOKEN COUNT.

Says in JSON what it was told: the version, and how many documents were taken. What the door has no room for
is sent again, as the client does by itself.
"""
import json
import sys
import warnings

from elasticsearch import Elasticsearch, helpers

url, token, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
warnings.simplefilter("error")
client = Elasticsearch(url, basic_auth=("elastic", token), http_compress=True, request_timeout=30)
assert client.ping()
info = client.info()
assert client.license.get()["license"]["status"] == "active"
assert client.cluster.health()["status"] in ("green", "red")
client.indices.put_index_template(name="shop", index_patterns=["shop-*"], template={"mappings": {}})
client.ilm.put_lifecycle(name="shop", policy={"phases": {}})
client.ingest.put_pipeline(id="geo", processors=[])
documents = (
    {"_op_type": "create", "_index": "shop-2026", "_id": f"order-{n}", "_source": {"n": n, "message": f"order {n}"}}
    for n in range(count)
)
taken, errors = helpers.bulk(client, documents, chunk_size=700, max_retries=30, initial_backoff=0.02, max_backoff=0.1)
deleted, refused = helpers.bulk(client, [{"_op_type": "delete", "_index": "a", "_id": "1"}], raise_on_error=False)
print(json.dumps({
    "version": info["version"]["number"],
    "taken": taken,
    "errors": errors,
    "refused": refused[0]["delete"]["error"]["reason"],
}))
