package millrace.shim;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.email.UAX29URLEmailTokenizer;
import org.apache.lucene.analysis.miscellaneous.RemoveDuplicatesTokenFilter;
import org.apache.lucene.analysis.pattern.PatternTokenizer;
import org.apache.lucene.util.Version;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.ClusterState;
import org.elasticsearch.cluster.ClusterStateUpdateTask;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.metadata.Metadata;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.IndexScopedSettings;
import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.settings.SettingsFilter;
import org.elasticsearch.features.NodeFeature;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.elasticsearch.index.analysis.AbstractTokenFilterFactory;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.rest.RestChannel;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.elasticsearch.xcontent.ParseField;
import org.elasticsearch.xcontent.ToXContent;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xcontent.XContentParser;
import org.elasticsearch.xpack.core.ilm.*;

/** GET / ; index.lifecycle.* settings ; PUT/GET/DELETE _ilm/policy parsed and kept by x-pack-core's own classes. Policies never run. */
public class ShimPlugin extends Plugin implements ActionPlugin, AnalysisPlugin {
    private ClusterService cs;

    @Override public Collection<?> createComponents(PluginServices s) { cs = s.clusterService(); return List.of(); }

    @Override public List<Setting<?>> getSettings() {
        return List.of(LifecycleSettings.LIFECYCLE_NAME_SETTING, LifecycleSettings.LIFECYCLE_INDEXING_COMPLETE_SETTING,
            LifecycleSettings.LIFECYCLE_SKIP_SETTING, LifecycleSettings.LIFECYCLE_POLL_INTERVAL_SETTING,
            RolloverAction.LIFECYCLE_ROLLOVER_ALIAS_SETTING);
    }

    /** The .security index (API keys) wants these pieces of the absent analysis-common module. */
    @Override public Map<String, AnalysisModule.AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        return Map.of(
            "pattern_capture", (ix, env, name, st) -> filter(name, st, in -> new PatternCaptureGroupTokenFilter(in,
                st.getAsBoolean("preserve_original", true), st.getAsList("patterns").stream().map(Pattern::compile).toArray(Pattern[]::new))),
            "unique", (ix, env, name, st) -> filter(name, st, RemoveDuplicatesTokenFilter::new));
    }
    @Override public Map<String, AnalysisModule.AnalysisProvider<TokenizerFactory>> getTokenizers() {
        return Map.of(
            "uax_url_email", (ix, env, name, st) -> TokenizerFactory.newFactory(name, UAX29URLEmailTokenizer::new),
            "pattern", (ix, env, name, st) -> TokenizerFactory.newFactory(name,
                () -> new PatternTokenizer(Pattern.compile(st.get("pattern", "\\W+")), st.getAsInt("group", -1))));
    }
    private static TokenFilterFactory filter(String name, Settings st, UnaryOperator<TokenStream> f) {
        return new AbstractTokenFilterFactory(name, st) {
            @Override public TokenStream create(TokenStream in) { return f.apply(in); }
        };
    }

    private interface P { LifecycleAction parse(XContentParser p) throws IOException; }
    private static NamedXContentRegistry.Entry a(String n, P p) {
        return new NamedXContentRegistry.Entry(LifecycleAction.class, new ParseField(n), x -> p.parse(x));
    }
    @Override public List<NamedXContentRegistry.Entry> getNamedXContent() {
        return List.of(
            new NamedXContentRegistry.Entry(Metadata.Custom.class, new ParseField(IndexLifecycleMetadata.TYPE),
                p -> IndexLifecycleMetadata.PARSER.parse(p, null)),
            new NamedXContentRegistry.Entry(LifecycleType.class, new ParseField(TimeseriesLifecycleType.TYPE),
                (p, c) -> TimeseriesLifecycleType.INSTANCE),
            a(AllocateAction.NAME, AllocateAction::parse), a(DeleteAction.NAME, DeleteAction::parse),
            a(ForceMergeAction.NAME, ForceMergeAction::parse), a(MigrateAction.NAME, MigrateAction::parse),
            a(ReadOnlyAction.NAME, ReadOnlyAction::parse), a(RolloverAction.NAME, RolloverAction::parse),
            a(SearchableSnapshotAction.NAME, SearchableSnapshotAction::parse), a(SetPriorityAction.NAME, SetPriorityAction::parse),
            a(ShrinkAction.NAME, ShrinkAction::parse), a(WaitForSnapshotAction.NAME, WaitForSnapshotAction::parse));
    }

    @Override public Collection<RestHandler> getRestHandlers(Settings s, NamedWriteableRegistry nw, RestController rc, ClusterSettings c,
            IndexScopedSettings i, SettingsFilter f, IndexNameExpressionResolver r, Supplier<DiscoveryNodes> n, Predicate<NodeFeature> nf) {
        return List.of(new Root(), new Ilm());
    }

    private final class Root extends BaseRestHandler {
        @Override public String getName() { return "shim_root"; }
        @Override public List<Route> routes() { return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/")); }
        @Override protected RestChannelConsumer prepareRequest(RestRequest q, NodeClient client) {
            return ch -> {
                Build v = Build.current();
                try (XContentBuilder b = ch.newBuilder()) {
                    b.prettyPrint().startObject().field("name", cs.getNodeName()).field("cluster_name", cs.getClusterName().value())
                        .field("cluster_uuid", cs.state().metadata().clusterUUID()).startObject("version")
                        .field("number", v.qualifiedVersion()).field("build_flavor", v.flavor()).field("build_type", v.type().displayName())
                        .field("build_hash", v.hash()).field("build_date", v.date()).field("build_snapshot", v.isSnapshot())
                        .field("lucene_version", Version.LATEST.toString()).field("minimum_wire_compatibility_version", v.minWireCompatVersion())
                        .field("minimum_index_compatibility_version", v.minIndexCompatVersion()).endObject()
                        .field("tagline", "You Know, for Search").endObject();
                    ch.sendResponse(new RestResponse(RestStatus.OK, b));
                }
            };
        }
    }

    private final class Ilm extends BaseRestHandler {
        @Override public String getName() { return "shim_ilm"; }
        @Override public List<Route> routes() {
            return List.of(new Route(RestRequest.Method.PUT, "/_ilm/policy/{name}"), new Route(RestRequest.Method.GET, "/_ilm/policy/{name}"),
                new Route(RestRequest.Method.GET, "/_ilm/policy"), new Route(RestRequest.Method.DELETE, "/_ilm/policy/{name}"));
        }
        private Map<String, LifecyclePolicyMetadata> now(ClusterState st) {
            IndexLifecycleMetadata m = st.metadata().custom(IndexLifecycleMetadata.TYPE);
            return m == null ? Map.of() : m.getPolicyMetadatas();
        }
        private void update(RestChannel ch, UnaryOperator<Map<String, LifecyclePolicyMetadata>> f) {
            cs.submitUnbatchedStateUpdateTask("shim-ilm", new ClusterStateUpdateTask() {
                @Override public ClusterState execute(ClusterState st) {
                    return ClusterState.builder(st).metadata(Metadata.builder(st.metadata()).putCustom(IndexLifecycleMetadata.TYPE,
                        new IndexLifecycleMetadata(f.apply(new TreeMap<>(now(st))), OperationMode.RUNNING))).build();
                }
                @Override public void onFailure(Exception e) { send(ch, null, e); }
                @Override public void clusterStateProcessed(ClusterState o, ClusterState n) {
                    send(ch, b -> b.startObject().field("acknowledged", true).endObject(), null);
                }
            });
        }
        @Override protected RestChannelConsumer prepareRequest(RestRequest q, NodeClient client) throws IOException {
            String name = q.param("name");
            if (q.method() == RestRequest.Method.PUT) {
                LifecyclePolicy p;
                try (XContentParser x = q.contentParser()) {
                    x.nextToken(); x.nextToken(); x.nextToken();   // { "policy": {
                    p = LifecyclePolicy.parse(x, name);
                }
                p.validate();
                LifecyclePolicy.validatePolicyName(name);
                return ch -> update(ch, m -> {
                    LifecyclePolicyMetadata old = m.get(name);
                    m.put(name, new LifecyclePolicyMetadata(p, Map.of(), old == null ? 1 : old.getVersion() + 1, System.currentTimeMillis()));
                    return m;
                });
            }
            if (q.method() == RestRequest.Method.DELETE) return ch -> update(ch, m -> { m.remove(name); return m; });
            return ch -> {
                Map<String, LifecyclePolicyMetadata> all = now(cs.state());
                if (name != null && all.containsKey(name) == false) {
                    send(ch, null, new org.elasticsearch.ResourceNotFoundException("Lifecycle policy not found: {}", name));
                    return;
                }
                send(ch, b -> {
                    b.startObject();
                    for (var e : all.entrySet()) if (name == null || name.equals(e.getKey()))
                        b.startObject(e.getKey()).field("version", e.getValue().getVersion())
                            .field("modified_date", e.getValue().getModifiedDateString()).field("policy", e.getValue().getPolicy()).endObject();
                    b.endObject();
                }, null);
            };
        }
    }

    private interface W { void to(XContentBuilder b) throws IOException; }
    private static void send(RestChannel ch, W w, Exception e) {
        try {
            if (e != null) { ch.sendResponse(new RestResponse(ch, e)); return; }
            try (XContentBuilder b = ch.newBuilder()) { w.to(b); ch.sendResponse(new RestResponse(RestStatus.OK, b)); }
        } catch (IOException x) { throw new RuntimeException(x); }
    }
}
