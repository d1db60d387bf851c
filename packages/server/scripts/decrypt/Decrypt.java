import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;

/** Opens answers of validatepan with what Java brings: <key.pem> <algorithm>, one encdata a line. */
public class Decrypt {
  public static void main(String[] args) throws Exception {
    String pem = Files.readString(Path.of(args[0])).replaceAll("-----[A-Z ]+-----|\\s", "");
    PrivateKey key =
        KeyFactory.getInstance("RSA")
            .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
    for (String line : new String(System.in.readAllBytes(), StandardCharsets.US_ASCII).split("\n")) {
      System.out.println(new String(open(key, args[1], line), StandardCharsets.UTF_8));
    }
  }

  static byte[] open(PrivateKey key, String algorithm, String encdata) throws Exception {
    if (algorithm.equals("jwe")) return openJwe(key, encdata.split("\\."));
    byte[] bytes = Base64.getDecoder().decode(encdata);
    if (algorithm.equals("rsa-oaep-256")) return openOaep(key, bytes);
    Cipher cipher = Cipher.getInstance("RSA/ECB/PKCS1Padding");
    cipher.init(Cipher.DECRYPT_MODE, key);
    return cipher.doFinal(bytes);
  }

  static byte[] openOaep(PrivateKey key, byte[] bytes) throws Exception {
    Cipher cipher = Cipher.getInstance("RSA/ECB/OAEPPadding");
    cipher.init(
        Cipher.DECRYPT_MODE,
        key,
        new OAEPParameterSpec(
            "SHA-256", "MGF1", MGF1ParameterSpec.SHA256, PSource.PSpecified.DEFAULT));
    return cipher.doFinal(bytes);
  }

  static byte[] openJwe(PrivateKey key, String[] parts) throws Exception {
    Base64.Decoder decoder = Base64.getUrlDecoder();
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(
        Cipher.DECRYPT_MODE,
        new SecretKeySpec(openOaep(key, decoder.decode(parts[1])), "AES"),
        new GCMParameterSpec(128, decoder.decode(parts[2])));
    cipher.updateAAD(parts[0].getBytes(StandardCharsets.US_ASCII));
    byte[] content = decoder.decode(parts[3]);
    byte[] tag = decoder.decode(parts[4]);
    byte[] both = Arrays.copyOf(content, content.length + tag.length);
    System.arraycopy(tag, 0, both, content.length, tag.length);
    return cipher.doFinal(both);
  }
}
