/**
 * Classes that come with Keras 2 and 3 (layers and models), and packages its own files name. Source: keras.io API index.
 * @module
 */

/** Packages whose modules a configuration may name; exact, for `keras_evil` is another. */
const PACKAGES = new Set([
  'keras',
  'keras_core',
  'keras_hub',
  'keras_nlp',
  'keras_cv',
  'keras_cv_attention_models',
  'tf_keras',
  'tensorflow',
  'keras_applications',
  'keras_preprocessing',
  'keras_tuner',
  'tensorflow_hub',
  'tensorflow_addons',
]);

// prettier-ignore
const LAYERS = new Set(
  ('Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average AveragePooling1D AveragePooling2D AveragePooling3D ' +
  'AvgPool1D AvgPool2D AvgPool3D BatchNormalization BatchNormalizationV1 BatchNormalizationV2 Bidirectional CategoryEncoding CenterCrop Concatenate Conv1D Conv1DTranspose ' +
  'Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D Convolution2D Convolution3D Cropping1D Cropping2D ' +
  'Cropping3D CuDNNGRU CuDNNLSTM Dense DenseFeatures DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding ' +
  'FlaxLayer Flatten GRU GRUCell GRUV2 GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D ' +
  'GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention HashedCrossing Hashing Identity Input InputLayer ' +
  'IntegerLookup JaxLayer LSTM LSTMCell LSTMV2 LayerNormalization LeakyReLU LocallyConnected1D LocallyConnected2D Masking MaxPool1D MaxPool2D MaxPool3D ' +
  'MaxPooling1D MaxPooling2D MaxPooling3D Maximum MelSpectrogram Minimum MultiHeadAttention Multiply Normalization PReLU Permute RMSNormalization RNN ' +
  'RandomBrightness RandomContrast RandomCrop RandomFlip RandomHeight RandomRotation RandomTranslation RandomWidth RandomZoom ReLU RepeatVector ' +
  'Rescaling Resizing Reshape SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D ' +
  'SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells StringLookup Subtract TextVectorization ThresholdedReLU TimeDistributed ' +
  'UnitNormalization UpSampling1D UpSampling2D UpSampling3D Wrapper ZeroPadding1D ZeroPadding2D ZeroPadding3D TensorFlowOpLayer TFOpLambda SlicingOpLambda ' +
  'Model Functional Sequential Layer Lambda TorchModuleWrapper TFSMLayer KerasLayer AutoContrast CutMix Equalization MixUp RandAugment RandomColorDegeneration ' +
  'RandomColorJitter RandomErasing RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization RandomSaturation RandomSharpness ' +
  'RandomShear RandomApply MaxNumBoundingBoxes AugMix STFTSpectrogram Pipeline ReversibleEmbedding AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveMaxPooling1D AdaptiveMaxPooling2D Merge MaxoutDense Highway AtrousConvolution2D ' +
  'ClassMethod Operation NotEqual Not Equal GetItem').split(' '),
);

export function isKerasModule(module: string): boolean {
  return PACKAGES.has(module.split('.')[0]!);
}
export function isKerasLayer(name: string): boolean {
  return LAYERS.has(name);
}

/** Functions of Keras and TensorFlow that fetch, load, read, write or lift a guard; by their last name. (CVE-2025-1550, -8747, -9906) */
export const REACHING: RegExp =
  /^(enable_unsafe_deserialization|SafeModeScope|get_file|load_model|load_weights|save_model|load_library|load_op_library|load_pluggable_device_library|py_function|py_func|numpy_function|eager_py_func|read_file|write_file|matching_files|image_dataset_from_directory|text_dataset_from_directory|load_img|save_img|import_module|deserialize_keras_object|model_from_json|model_from_config|func_load|unzip|extract_archive|run_script|exec|eval|system|popen|__import__|open|export_saved_model)$/;
