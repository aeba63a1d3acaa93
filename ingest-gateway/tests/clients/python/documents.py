"""Makes an index and writes documents one by one with Elasticsearch's own client: documents.py URL TOKEN.

Says in JSON what it was told.
"""
import json
import sys
import warnings

from elasticsearch import BadRequestError, Elasticsearch

url, token = sys.argv[1], sys.argv[2]
warnings.simplefilter("error")
client = Elasticsearch(url, basic_auth=("elastic", token), http_compress=True, request_timeout=30)
index = "shop-2026"
assert not client.indices.exists(index=index)
made = client.indices.create(
    index=index,
    settings={"number_of_shards": 1},
    mappings={"properties": {"n": {"type": "long"}}},
)
bare = client.indices.create(index="bare")
documents = [
    client.index(index=index, document={"n": 1}),
    client.index(index=index, id="order/2", document={"n": 2}),
    client.index(index=index, id="order/2", document={"n": 2}),
    client.create(index=index, id="3", document={"n": 3}),
]
assert client.indices.refresh()["_shards"]["failed"] == 0
assert client.indices.refresh(index=index)["_shards"]["failed"] == 0
assert client.indices.flush()["_shards"]["failed"] == 0
try:
    client.index(index=index, document=[1])
    refused = None
except BadRequestError as error:
    refused = error.body["error"]["reason"]
print(json.dumps({
    "made": dict(made),
    "bare": bare["acknowledged"],
    "results": [document["result"] for document in documents],
    "ids": [document["_id"] for document in documents],
    "refused": refused,
}))
