package dev.genesis.client;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/** Being told to stop from outside. */
final class Signals {
  private Signals() {}

  /**
   * Calls back on SIGTERM and SIGINT, each time. Without it Java would end the process itself, with code 143 and no second signal; its
   * own class for signals is one that the compiler warns of, so it is looked up.
   */
  static void onStop(Runnable stop) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      InvocationHandler heard =
          (proxy, method, arguments) -> {
            stop.run();
            return null;
          };
      Object handles = Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, heard);
      for (String name : new String[] {"TERM", "INT"}) {
        signal.getMethod("handle", signal, handler).invoke(null, signal.getConstructor(String.class).newInstance(name), handles);
      }
    } catch (ReflectiveOperationException missing) {
      throw new IllegalStateException("this Java hears no signals: use start() and stop()", missing);
    }
  }
}
