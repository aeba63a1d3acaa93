import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/** Starts one Elasticsearch node in this JVM. -Dhome= -Dconf= and settings as "key=value" arguments. */
public class RunNode {
    public static void main(String[] args) throws Exception {
        LogConfigurator.configureESLogging();
        LogConfigurator.registerErrorListener();
        Settings.Builder b = Settings.builder().put("path.home", System.getProperty("home"));
        for (String a : args) {
            int i = a.indexOf('=');
            b.put(a.substring(0, i), a.substring(i + 1));
        }
        Environment env = InternalSettingsPreparer.prepareEnvironment(
            b.build(), Map.of(), Path.of(System.getProperty("conf")), () -> "test-node");
        LogConfigurator.configure(env, true);
        Node node = new Node(env, PluginsLoader.createPluginsLoader(
            PluginsLoader.loadModulesBundles(env.modulesDir()),
            PluginsLoader.loadPluginsBundles(env.pluginsDir()), Map.of()));
        CountDownLatch stop = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try { node.close(); } catch (Exception e) { e.printStackTrace(); } finally { stop.countDown(); }
        }, "node-close"));
        node.start();
        stop.await();
    }
}
