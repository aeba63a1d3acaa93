import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;

/** Starts one OpenSearch node in this JVM. -Dhome= -Dconf= and settings as "key=value" arguments. */
public class RunNode {
    public static void main(String[] args) throws Exception {
        Settings.Builder b = Settings.builder().put("path.home", System.getProperty("home"));
        for (String a : args) {
            int i = a.indexOf('=');
            b.put(a.substring(0, i), a.substring(i + 1));
        }
        LogConfigurator.registerErrorListener();
        Environment env = InternalSettingsPreparer.prepareEnvironment(
            b.build(), Map.of(), Path.of(System.getProperty("conf")), () -> "test-node");
        LogConfigurator.configure(env);
        Node node = new Node(env);
        CountDownLatch stop = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try { node.close(); } catch (Exception e) { e.printStackTrace(); } finally { stop.countDown(); }
        }, "node-close"));
        node.start();
        stop.await();
    }
}
