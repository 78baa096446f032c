package dev.genesis.client;

/** Texts with a limit. */
final class Texts {
  private Texts() {}

  /** The text, cut to so many characters as the contract counts them (code points). */
  static String cut(String text, int characters) {
    if (text == null) {
      return "";
    }
    return text.codePointCount(0, text.length()) <= characters ? text : text.substring(0, text.offsetByCodePoints(0, characters));
  }
}
